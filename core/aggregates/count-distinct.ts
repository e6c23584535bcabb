import { type CappedSpec, declare } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { fail } from '../ir/errors.ts';
import { HASH, VARINT } from '../values/byte-sizes.ts';
import { hash53 } from '../values/hash.ts';
import { type Aggregation, ANY, INEXACT, type PartialType } from './aggregation.ts';

/** The smallest hashes, ascending; `theta` (null: none) is the smallest hash ever left out. */
export interface Distinct {
  readonly hashes: readonly number[];
  readonly theta: number | null;
}

/**
 * Theta sketch (Dasgupta et al., 2016): exact until more than `cap` values meet in one tile.
 * Bytes: byte 1 and 7 bytes theta, or byte 0; varint n; n hashes of 7 bytes, ascending.
 */
const sketch: PartialType<Distinct> = {
  kind: 'distinct',
  make: ({ cap }) => {
    const merge = (a: Distinct, b: Distinct) => trim(unite(a, b), cap!);
    return {
      add: (cell, value) => {
        const hash = hash53(String(value));
        if (cell === null) return { hashes: [hash], theta: null };
        if ((cell.theta !== null && hash >= cell.theta) || cell.hashes.includes(hash)) return cell;
        return merge(cell, { hashes: [hash], theta: null });
      },
      merge,
      // How many events had the value is not known.
      remove: () => INEXACT,
      write: (out, cell) => {
        out.byte(cell.theta === null ? 0 : 1);
        if (cell.theta !== null) out.hash(cell.theta);
        out.varint(cell.hashes.length);
        for (const hash of cell.hashes) out.hash(hash);
      },
      read: (from) => {
        const theta = from.byte() === 1 ? from.hash() : null;
        const hashes: number[] = new Array(from.varint());
        for (let i = 0; i < hashes.length; i++) hashes[i] = from.hash();
        return { hashes, theta };
      },
    };
  },
  largest: ({ cap }) => 1 + HASH + VARINT + cap! * HASH,
};

/** Union below the smaller theta; not cut to a cap, so a window over exact tiles is exact. */
function unite(a: Distinct, b: Distinct): Distinct {
  const theta = a.theta === null ? b.theta : b.theta === null ? a.theta : Math.min(a.theta, b.theta);
  // Most tiles of a window hold the same few values: then nothing is made anew.
  if (theta === a.theta && includesAll(a.hashes, b.hashes)) return a;
  const below = theta ?? Number.POSITIVE_INFINITY;
  const hashes: number[] = [];
  for (let i = 0, j = 0; ; ) {
    const x = a.hashes[i] ?? Number.POSITIVE_INFINITY;
    const y = b.hashes[j] ?? Number.POSITIVE_INFINITY;
    const least = Math.min(x, y);
    if (least >= below) return { hashes, theta };
    hashes.push(least);
    if (x === least) i++;
    if (y === least) j++;
  }
}

/** Both ascending. */
function includesAll(all: readonly number[], some: readonly number[]): boolean {
  let i = 0;
  for (const hash of some) {
    while (i < all.length && all[i]! < hash) i++;
    if (all[i] !== hash) return false;
  }
  return true;
}

function trim(cell: Distinct, cap: number): Distinct {
  if (cell.hashes.length <= cap) return cell;
  return { hashes: cell.hashes.slice(0, cap), theta: cell.hashes[cap]! };
}

/** Exact where no tile overflowed; else kept / (theta / 2^53), rounded half up; relative error about 1/sqrt(cap). */
export function estimateDistinct(cell: Distinct): number {
  if (cell.theta === null) return cell.hashes.length;
  return Math.floor(cell.hashes.length / (cell.theta / 2 ** 53) + 0.5);
}

const MIN_SKETCH = 16;

export const COUNT_DISTINCT: Aggregation<Distinct> = {
  op: 'count_distinct',
  partial: sketch,
  field: ANY,
  options: ['cap'],
  check: ({ cap }, type, at) => {
    if (cap! < MIN_SKETCH && type !== 'enum' && type !== 'bool') {
      fail(`${at}.cap`, 'a number below 16', '16 to 4096: below, the estimate above the cap is worth nothing');
    }
  },
  valueType: () => 'int',
  empty: 0,
  window: unite,
  finalise: estimateDistinct,
};

/** How many different values: exact up to `cap` a tile, a sketch above it (relative error about 1/√cap). */
export const countDistinct = <E extends string>(spec: CappedSpec<E>): AggregateFeature<'int'> =>
  declare(COUNT_DISTINCT, spec);
