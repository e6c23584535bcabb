import { declare, type Summable, type ValuesSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { SIGNED, VARINT } from '../values/byte-sizes.ts';
import { ratio } from '../values/ratio.ts';
import { type Aggregation, type FieldRule, type PartialType, SUMMED } from './aggregation.ts';
import { exact, type Sum, total } from './sum.ts';

/**
 * Moments of v = h·2^16 + l with 0 ≤ l < 2^16: Σv² = hh·2^32 + hl·2^17 + ll. Squares of 31 bits don't fit 2^53; their parts
 * do, for 2^20 events, so that adding and taking away are exact without big integers.
 */
export interface Moments extends Sum {
  readonly hh: number;
  readonly hl: number;
  readonly ll: number;
}

/** @throws InexactSumError where a square's part alone leaves the exact range */
function momentsOf(v: number): Moments {
  const h = Math.floor(v / 0x10000);
  const l = v - h * 0x10000;
  return { n: 1, sum: v, hh: exact(h * h), hl: exact(h * l), ll: l * l };
}

function combine(a: Moments, b: Moments, sign: 1 | -1): Moments {
  return {
    n: a.n + sign * b.n,
    sum: exact(a.sum + sign * b.sum),
    hh: exact(a.hh + sign * b.hh),
    hl: exact(a.hl + sign * b.hl),
    ll: exact(a.ll + sign * b.ll),
  };
}

/** Bytes: varint n, signed sum, varint hh, signed hl, varint ll. */
const moments: PartialType<Moments> = {
  kind: 'variance',
  make: () => ({
    add: (cell, value) => (cell === null ? momentsOf(Number(value)) : combine(cell, momentsOf(Number(value)), 1)),
    merge: (a, b) => combine(a, b, 1),
    remove: (cell, value) => (cell.n === 1 ? null : combine(cell, momentsOf(Number(value)), -1)),
    write: (out, cell) => {
      out.varint(cell.n);
      out.signed(cell.sum);
      out.varint(cell.hh);
      out.signed(cell.hl);
      out.varint(cell.ll);
    },
    read: (from) => ({
      n: from.varint(),
      sum: from.signed(),
      hh: from.varint(),
      hl: from.signed(),
      ll: from.varint(),
    }),
  }),
  largest: () => 3 * VARINT + 2 * SIGNED,
};

/** n·Σv² − (Σv)², exactly; divided by n² it is the variance of the population. */
export function spread({ n, sum, hh, hl, ll }: Moments): bigint {
  const squares = (BigInt(hh) << 32n) + (BigInt(hl) << 17n) + BigInt(ll);
  return BigInt(n) * squares - BigInt(sum) * BigInt(sum);
}

/** Each part of a square stays within 2^53 for 2^20 events. */
const SQUARED: FieldRule = { ...SUMMED, within: 2 ** 31 };

export const VARIANCE: Aggregation<Moments> = {
  op: 'variance',
  partial: moments,
  field: SQUARED,
  valueType: () => 'float',
  total,
  finalise: (cell) => ratio(spread(cell), BigInt(cell.n) * BigInt(cell.n)),
};

/** Of the population: (n·Σv² − (Σv)²) / n², one division of exact integers; 0 for a single event. */
export const variance = <E extends string>(spec: ValuesSpec<E, Summable>): AggregateFeature<'float'> =>
  declare(VARIANCE, spec);
