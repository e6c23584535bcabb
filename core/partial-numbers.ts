/** count, sum, variance, extremes and times: exact integers in binary64. */
import { INEXACT, type Partial } from './partials.ts';
import { ratio } from './ratio.ts';

export interface Sum {
  readonly n: number;
  readonly sum: number;
}

/**
 * Moments of v = h·2^16 + l with 0 ≤ l < 2^16: Σv² = hh·2^32 + hl·2^17 + ll. Squares of 31 bits don't fit 2^53; their parts
 * do, for 2^20 events, so that adding and taking away are exact without big integers.
 */
export interface Moments extends Sum {
  readonly hh: number;
  readonly hl: number;
  readonly ll: number;
}

/** A sum that left the exact range; contracts bound their fields so that this takes a million extreme events. */
export class InexactSumError extends Error {
  override readonly name = 'InexactSumError';
}

function exact(sum: number): number {
  if (!Number.isSafeInteger(sum)) throw new InexactSumError('sum: found a number beyond 2^53; allowed: exact integers');
  return sum;
}

export const count: Partial<number> = {
  add: (cell) => (cell ?? 0) + 1,
  merge: (a, b) => a + b,
  remove: (cell) => (cell === 1 ? null : cell - 1),
  write: (out, cell) => out.varint(cell),
  read: (from) => from.varint(),
};

export const sum: Partial<Sum> = {
  add: (cell, value) =>
    cell === null ? { n: 1, sum: Number(value) } : { n: cell.n + 1, sum: exact(cell.sum + Number(value)) },
  merge: (a, b) => ({ n: a.n + b.n, sum: exact(a.sum + b.sum) }),
  remove: (cell, value) => (cell.n === 1 ? null : { n: cell.n - 1, sum: exact(cell.sum - Number(value)) }),
  write: (out, cell) => {
    out.varint(cell.n);
    out.signed(cell.sum);
  },
  read: (from) => ({ n: from.varint(), sum: from.signed() }),
};

/** @throws InexactSumError where a square's part alone leaves the exact range */
export function momentsOf(v: number): Moments {
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

export const moments: Partial<Moments> = {
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
  read: (from) => ({ n: from.varint(), sum: from.signed(), hh: from.varint(), hl: from.signed(), ll: from.varint() }),
};

/** Cells of one partial as one, however far a sum of some of them leaves the range; null where the sum of all of them does. */
export function total<Cell extends Sum>(cells: readonly Cell[]): Cell | null {
  const names = Object.keys(cells[0]!) as (keyof Cell)[];
  const sums = names.map((name) => cells.reduce((sum, cell) => sum + BigInt(cell[name] as number), 0n));
  if (sums.some((sum) => !Number.isSafeInteger(Number(sum)))) return null;
  return Object.fromEntries(names.map((name, i) => [name, Number(sums[i])])) as unknown as Cell;
}

/** Of the population: (n·Σv² − (Σv)²) / n², one correctly rounded division of exact integers. */
export function varianceOf({ n, sum: s, hh, hl, ll }: Moments): number {
  const squares = (BigInt(hh) << 32n) + (BigInt(hl) << 17n) + BigInt(ll);
  const [size, total] = [BigInt(n), BigInt(s)];
  return ratio(size * squares - total * total, size * size);
}

export const extreme = (keep: (a: number, b: number) => number): Partial<number> => ({
  add: (cell, value) => (cell === null ? Number(value) : keep(cell, Number(value))),
  merge: keep,
  remove: (cell, value) => (cell === Number(value) ? INEXACT : cell),
  write: (out, cell) => out.signed(cell),
  read: (from) => from.signed(),
});

export const time = (keep: (a: number, b: number) => number): Partial<number> => ({
  add: (cell, _, event) => (cell === null ? event.event_time : keep(cell, event.event_time)),
  merge: keep,
  remove: (cell, _, { event_time }) => (cell === event_time ? INEXACT : cell),
  write: (out, cell, start) => out.varint(cell - start),
  read: (from, start) => from.varint() + start,
});
