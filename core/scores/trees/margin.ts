import type { Booster, Tree } from './booster.ts';

/** A row as XGBoost sees it: binary32, NaN where nothing is known. */
export type Row = Float32Array;

/**
 * @param values one a model input, null for unknown
 * @returns null when a number is beyond binary32 (3.4e38): infinite there, it has no place in a tree
 */
export function rowOf(values: readonly (number | null)[]): Row | null {
  return isInRange(values) ? Float32Array.from(values, (value) => value ?? Number.NaN) : null;
}

/** Whether all of them are finite in binary32. */
export function isInRange(values: readonly (number | null)[]): boolean {
  return values.every((value) => value === null || Number.isFinite(Math.fround(value)));
}

/** Log-odds before calibration, added up tree by tree in binary32: XGBoost's number, to the bit. */
export function marginOf({ base, trees }: Booster, row: Row): number {
  let sum = base;
  for (const tree of trees) sum = Math.fround(sum + tree.value[leafOf(tree, row)]!);
  return sum;
}

function leafOf(tree: Tree, row: Row): number {
  let node = 0;
  while (tree.left[node] !== -1) node = nextOf(tree, node, row);
  return node;
}

/** Where a row goes from a node that is no leaf. */
export function nextOf({ left, right, feature, default_left, value }: Tree, node: number, row: Row): number {
  const found = row[feature[node]!]!;
  const goesLeft = Number.isNaN(found) ? default_left[node] === 1 : found < value[node]!;
  return goesLeft ? left[node]! : right[node]!;
}
