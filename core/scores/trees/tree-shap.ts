/**
 * TreeSHAP, path-dependent (Lundberg, Erion, Lee: Consistent Individualized Feature Attribution for Tree Ensembles,
 * arXiv 1802.03888, algorithm 2), with the hessians of the training rows as the weights of branches: what XGBoost gives for
 * `pred_contribs`. In binary64, where XGBoost has binary32.
 */
import type { Booster, Tree } from './booster.ts';
import { nextOf, type Row } from './margin.ts';

/** @returns log-odds, one an input and the bias last; with it they add up to the margin */
export function contributionsOf({ inputs, base, trees }: Booster, row: Row): Float64Array {
  const contributions = new Float64Array(inputs.length + 1);
  contributions[inputs.length] = base;
  const walk = new Walk(Math.max(0, ...trees.map(({ depth }) => depth)), row, contributions);
  for (const tree of trees) {
    contributions[inputs.length]! += meanOf(tree);
    walk.visit(tree, 0, 0, 0, 1, 1, -1);
  }
  return contributions;
}

const means = new WeakMap<Tree, number>();

/** What the tree adds on average over the training rows. */
function meanOf(tree: Tree): number {
  const known = means.get(tree);
  if (known !== undefined) return known;
  const { left, right, value, cover } = tree;
  const of = (node: number): number => {
    const [low, high] = [left[node]!, right[node]!];
    if (low === -1) return value[node]!;
    return (of(low) * cover[low]! + of(high) * cover[high]!) / cover[node]!;
  };
  const mean = of(0);
  means.set(tree, mean);
  return mean;
}

/** Over all paths of one tree after the other, for one row. */
class Walk {
  private readonly row: Row;
  private readonly contributions: Float64Array;
  // A path per level, one behind the other: what was met on the way to a node, each input once.
  private readonly feature: Int32Array;
  /** Share of rows that go on where this input is not known. */
  private readonly zero: Float64Array;
  /** Whether this row goes on where it is known: 1 or 0. */
  private readonly one: Float64Array;
  /** Weight of the orders in which so many inputs are known. */
  private readonly weight: Float64Array;

  /** @param depth of the deepest tree */
  constructor(depth: number, row: Row, contributions: Float64Array) {
    this.row = row;
    this.contributions = contributions;
    const size = ((depth + 2) * (depth + 3)) / 2;
    this.feature = new Int32Array(size);
    this.zero = new Float64Array(size);
    this.one = new Float64Array(size);
    this.weight = new Float64Array(size);
  }

  /** @param before where the parent's path begins. @param depth how many inputs it has met */
  visit(tree: Tree, node: number, before: number, depth: number, zero: number, one: number, feature: number): void {
    const path = before + depth;
    this.copy(before, path, depth);
    this.extend(path, depth, zero, one, feature);
    const [left, right] = [tree.left[node]!, tree.right[node]!];
    if (left === -1) {
      this.credit(path, depth, tree.value[node]!);
      return;
    }
    const split = tree.feature[node]!;
    const hot = nextOf(tree, node, this.row);
    const cold = hot === left ? right : left;
    const seen = this.placeOf(path, depth, split);
    let [zeroBefore, oneBefore, met] = [1, 1, depth];
    if (seen !== -1) {
      zeroBefore = this.zero[seen]!;
      oneBefore = this.one[seen]!;
      this.unwind(path, depth, seen);
      met--;
    }
    const cover = tree.cover[node]!;
    this.visit(tree, hot, path, met + 1, (tree.cover[hot]! / cover) * zeroBefore, oneBefore, split);
    this.visit(tree, cold, path, met + 1, (tree.cover[cold]! / cover) * zeroBefore, 0, split);
  }

  /** A few entries: a loop is faster than copyWithin. */
  private copy(from: number, to: number, length: number): void {
    const { feature, zero, one, weight } = this;
    for (let i = 0; i < length; i++) {
      feature[to + i] = feature[from + i]!;
      zero[to + i] = zero[from + i]!;
      one[to + i] = one[from + i]!;
      weight[to + i] = weight[from + i]!;
    }
  }

  private extend(path: number, depth: number, zero: number, one: number, feature: number): void {
    const { weight } = this;
    this.feature[path + depth] = feature;
    this.zero[path + depth] = zero;
    this.one[path + depth] = one;
    weight[path + depth] = depth === 0 ? 1 : 0;
    for (let i = depth - 1; i >= 0; i--) {
      weight[path + i + 1]! += (one * weight[path + i]! * (i + 1)) / (depth + 1);
      weight[path + i] = (zero * weight[path + i]! * (depth - i)) / (depth + 1);
    }
  }

  /** Place of an input on the path, -1: not met before. */
  private placeOf(path: number, depth: number, feature: number): number {
    for (let i = path + 1; i <= path + depth; i++) if (this.feature[i] === feature) return i;
    return -1;
  }

  /** Takes an input back out, as if it had not been met. */
  private unwind(path: number, depth: number, at: number): void {
    const { weight } = this;
    const [one, zero] = [this.one[at]!, this.zero[at]!];
    let next = weight[path + depth]!;
    for (let i = depth - 1; i >= 0; i--) {
      if (one === 0) {
        weight[path + i] = (weight[path + i]! * (depth + 1)) / (zero * (depth - i));
        continue;
      }
      const former = weight[path + i]!;
      weight[path + i] = (next * (depth + 1)) / ((i + 1) * one);
      next = former - (weight[path + i]! * zero * (depth - i)) / (depth + 1);
    }
    for (let i = at; i < path + depth; i++) {
      this.feature[i] = this.feature[i + 1]!;
      this.zero[i] = this.zero[i + 1]!;
      this.one[i] = this.one[i + 1]!;
    }
  }

  /** What a leaf owes to each input on the way to it. */
  private credit(path: number, depth: number, value: number): void {
    for (let at = path + 1; at <= path + depth; at++) {
      const share = this.unwoundSum(path, depth, at) * (this.one[at]! - this.zero[at]!);
      this.contributions[this.feature[at]!]! += share * value;
    }
  }

  /** The sum of the weights that `unwind` would leave. */
  private unwoundSum(path: number, depth: number, at: number): number {
    const { weight } = this;
    const [one, zero] = [this.one[at]!, this.zero[at]!];
    let next = weight[path + depth]!;
    let sum = 0;
    for (let i = depth - 1; i >= 0; i--) {
      if (one === 0) {
        // No training row came by here: neither does any weight.
        if (zero !== 0) sum += (weight[path + i]! * (depth + 1)) / (zero * (depth - i));
        continue;
      }
      const part = (next * (depth + 1)) / ((i + 1) * one);
      sum += part;
      next = weight[path + i]! - (part * zero * (depth - i)) / (depth + 1);
    }
    return sum;
  }
}
