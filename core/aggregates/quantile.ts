import { declare, type Ordered, type ValuesSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { fail } from '../ir/errors.ts';
import { SIGNED, VARINT } from '../values/byte-sizes.ts';
import { type Aggregation, NUMBERS, type PartialType } from './aggregation.ts';

/** How many values fell into each bucket, buckets ascending. */
interface Buckets {
  readonly buckets: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Bits of a bucket's sub-division: a bucket is 2^-bits of its power of two wide, and its middle half of that away from
 * either end: 2^-(bits + 1) ≤ error.
 */
function bitsFor(error: number): number {
  let bits = 0;
  while (error * 2 ** (bits + 1) < 1) bits++;
  return bits;
}

/**
 * The bucket of an integer: log-linear (as HdrHistogram has it), by whole numbers alone, so that every language agrees.
 * Magnitudes below 2^(bits + 1) have a bucket each; above, each power of two has 2^bits. Ascending with the value.
 */
function bucketOf(value: number, bits: number): number {
  const magnitude = Math.abs(value);
  const high = Math.floor(magnitude / 2 ** 32);
  const exponent = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(magnitude);
  const shift = Math.max(0, exponent - bits);
  const bucket = shift * 2 ** bits + Math.floor(magnitude / 2 ** shift);
  return value < 0 ? -bucket : bucket;
}

/** The middle of a bucket, rounded towards zero. */
function middleOf(bucket: number, bits: number): number {
  const place = Math.abs(bucket);
  const shift = Math.max(0, Math.floor(place / 2 ** bits) - 1);
  const middle = (place - shift * 2 ** bits) * 2 ** shift + Math.floor((2 ** shift - 1) / 2);
  return bucket < 0 ? -middle : middle;
}

function unite(a: Buckets, b: Buckets): Buckets {
  const [buckets, counts]: [number[], number[]] = [[], []];
  for (let i = 0, j = 0; i < a.buckets.length || j < b.buckets.length; ) {
    const x = a.buckets[i] ?? Number.POSITIVE_INFINITY;
    const y = b.buckets[j] ?? Number.POSITIVE_INFINITY;
    buckets.push(Math.min(x, y));
    counts.push((x <= y ? a.counts[i++]! : 0) + (y <= x ? b.counts[j++]! : 0));
  }
  return { buckets, counts };
}

/**
 * A state of buckets is a function of the set of its events, which no KLL or t-digest is (docs/explanation/quantiles.md).
 * Bytes: varint n; of each bucket, ascending: signed bucket (of all but the first: varint difference), varint count.
 */
const buckets: PartialType<Buckets> = {
  kind: 'quantile',
  make: ({ error }) => {
    const bits = bitsFor(error!);
    return {
      add: (cell, value) => {
        const one = { buckets: [bucketOf(Number(value), bits)], counts: [1] };
        return cell === null ? one : unite(cell, one);
      },
      merge: unite,
      remove: (cell, value) => {
        const at = cell.buckets.indexOf(bucketOf(Number(value), bits));
        const counts = cell.counts.with(at, cell.counts[at]! - 1);
        if (counts[at]! > 0) return { buckets: cell.buckets, counts };
        if (counts.length === 1) return null;
        return { buckets: cell.buckets.toSpliced(at, 1), counts: counts.toSpliced(at, 1) };
      },
      write: (out, cell) => {
        out.varint(cell.buckets.length);
        for (let i = 0; i < cell.buckets.length; i++) {
          if (i === 0) out.signed(cell.buckets[0]!);
          else out.varint(cell.buckets[i]! - cell.buckets[i - 1]!);
          out.varint(cell.counts[i]!);
        }
      },
      read: (from) => {
        const n = from.varint();
        const [buckets, counts]: [number[], number[]] = [[], []];
        for (let i = 0; i < n; i++) {
          buckets.push(i === 0 ? from.signed() : buckets[i - 1]! + from.varint());
          counts.push(from.varint());
        }
        return { buckets, counts };
      },
    };
  },
  // A bucket for every value that the field may have, on both sides of zero.
  largest: ({ error }, { magnitude }) =>
    VARINT + SIGNED + (2 * bucketOf(magnitude, bitsFor(error!)) + 1) * (2 + VARINT),
};

const PARTS = 10_000;

/** The place of a quantile among n values, from 1: ⌈q·n⌉ in whole numbers, as q·n in floats may be one too many. */
function rankOf(q: number, n: number): number {
  return Math.floor((Math.round(q * PARTS) * n + PARTS - 1) / PARTS);
}

export const QUANTILE: Aggregation<Buckets> = {
  op: 'quantile',
  partial: buckets,
  field: NUMBERS,
  options: ['q', 'error'],
  check: ({ q }, _, at) => {
    if (Math.abs(q! * PARTS - Math.round(q! * PARTS)) > 1e-6) fail(`${at}.q`, `${q}`, 'up to four decimals, as 0.9999');
  },
  valueType: () => 'int',
  finalise: ({ buckets, counts }, { q, error }) => {
    const n = counts.reduce((sum, count) => sum + count, 0);
    let [at, until] = [0, counts[0]!];
    for (const rank = rankOf(q!, n); until < rank; until += counts[at]!) at++;
    return middleOf(buckets[at]!, bitsFor(error!));
  },
};

/**
 * The value below or at which a share `q` of the values lies (the ⌈q·n⌉-th smallest; 0.5: the median), as the middle of a
 * bucket that is at most `error` of it away: `error: 0.01` is 1 %. Whole numbers up to 1/error are exact.
 */
export const quantile = <E extends string>(
  spec: ValuesSpec<E, Ordered> & { readonly q: number; readonly error: number },
): AggregateFeature<'int'> => declare(QUANTILE, spec);
