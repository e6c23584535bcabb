/** count_distinct and histogram: what values there were. */
import { hash53 } from './hash.ts';
import { compareCodePoints } from './partial-picks.ts';
import { INEXACT, type Partial } from './partials.ts';

/** The smallest hashes, ascending; `theta` (null: none) is the smallest hash ever left out. */
export interface Distinct {
  readonly hashes: readonly number[];
  readonly theta: number | null;
}

/** Theta sketch (Dasgupta et al., 2016): exact until more than `cap` values meet in one tile. */
export const distinct = (cap: number): Partial<Distinct> => {
  const merge = (a: Distinct, b: Distinct) => trim(unite(a, b), cap);
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
};

/** Union below the smaller theta; not cut to a cap, so a window over exact tiles is exact. */
export function unite(a: Distinct, b: Distinct): Distinct {
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

/** How often each value came; null: more values than the cap, so that a largest one can't be told. */
export interface Histogram {
  readonly counts: ReadonlyMap<string, number> | null;
}

const OVERFLOW: Histogram = { counts: null };

/** Of all tiles of a window, with no cap. */
export function uniteHistograms(a: Histogram, b: Histogram): Histogram {
  if (a.counts === null || b.counts === null) return OVERFLOW;
  const counts = new Map(a.counts);
  for (const [value, n] of b.counts) counts.set(value, (counts.get(value) ?? 0) + n);
  return { counts };
}

export const histogram = (cap: number): Partial<Histogram> => {
  const capped = (cell: Histogram) => (cell.counts !== null && cell.counts.size > cap ? OVERFLOW : cell);
  return {
    add: (cell, value) =>
      capped(uniteHistograms(cell ?? { counts: new Map() }, { counts: new Map([[String(value), 1]]) })),
    merge: (a, b) => capped(uniteHistograms(a, b)),
    remove: (cell, value) => {
      const n = cell.counts?.get(String(value));
      if (!cell.counts || n === undefined) return INEXACT;
      const counts = new Map(cell.counts);
      if (n === 1) counts.delete(String(value));
      else counts.set(String(value), n - 1);
      return counts.size > 0 ? { counts } : null;
    },
    write: (out, { counts }) => {
      out.byte(counts === null ? 1 : 0);
      if (counts === null) return;
      out.varint(counts.size);
      for (const [value, n] of [...counts].sort(([a], [b]) => compareCodePoints(a, b))) {
        out.text(value);
        out.varint(n);
      }
    },
    read: (from) => {
      if (from.byte() === 1) return OVERFLOW;
      return { counts: new Map(Array.from({ length: from.varint() }, () => [from.text(), from.varint()])) };
    },
  };
};

/** The `k` largest as [value, count], largest first, ties by code point; null on overflow. */
export function largest({ counts }: Histogram, k: number): [string, number][] | null {
  if (counts === null) return null;
  return [...counts].sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b)).slice(0, k);
}
