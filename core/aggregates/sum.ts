import { declare, type Summable, type ValuesSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { SIGNED, VARINT } from '../values/byte-sizes.ts';
import { type Aggregation, type PartialType, SUMMED } from './aggregation.ts';

export interface Sum {
  readonly n: number;
  readonly sum: number;
}

/** A sum that left the exact range; contracts bound their fields so that this takes a million extreme events. */
export class InexactSumError extends Error {
  override readonly name = 'InexactSumError';
}

/** @throws InexactSumError */
export function exact(sum: number): number {
  if (!Number.isSafeInteger(sum)) throw new InexactSumError('sum: found a number beyond 2^53; allowed: exact integers');
  return sum;
}

/** Bytes: varint n, signed sum. */
const summed: PartialType<Sum> = {
  kind: 'sum',
  make: () => ({
    add: (cell, value) =>
      cell === null ? { n: 1, sum: Number(value) } : { n: cell.n + 1, sum: exact(cell.sum + Number(value)) },
    merge: (a, b) => ({ n: a.n + b.n, sum: exact(a.sum + b.sum) }),
    remove: (cell, value) => (cell.n === 1 ? null : { n: cell.n - 1, sum: exact(cell.sum - Number(value)) }),
    write: (out, cell) => {
      out.varint(cell.n);
      out.signed(cell.sum);
    },
    read: (from) => ({ n: from.varint(), sum: from.signed() }),
  }),
  largest: () => VARINT + SIGNED,
};

/** Cells of one partial as one, however far a sum of some of them leaves the range; null where the sum of all of them does. */
export function total<Cell extends Sum>(cells: readonly Cell[]): Cell | null {
  const names = Object.keys(cells[0]!) as (keyof Cell)[];
  const sums = names.map((name) => cells.reduce((sum, cell) => sum + BigInt(cell[name] as number), 0n));
  if (sums.some((sum) => !Number.isSafeInteger(Number(sum)))) return null;
  return Object.fromEntries(names.map((name, i) => [name, Number(sums[i])])) as unknown as Cell;
}

export const SUM: Aggregation<Sum> = {
  op: 'sum',
  partial: summed,
  field: SUMMED,
  valueType: () => 'int',
  total,
  finalise: (cell) => cell.sum,
};

/** Of exact integers, in the unit of the field; null for an empty window. */
export const sum = <E extends string>(spec: ValuesSpec<E, Summable>): AggregateFeature<'int'> => declare(SUM, spec);
