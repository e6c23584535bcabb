/**
 * Mergeable partial aggregates: associative, commutative, with an identity (null), never subtracted.
 * A cell is what one partial holds in one tile; null where no event touched it.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';
import { hash53 } from './hash.ts';
import type { CanonicalEvent, Scalar } from './ir.ts';

export type PartialKind = 'count' | 'sum' | 'min' | 'max' | 'first' | 'last' | 'distinct' | 'time_min' | 'time_max';
type Value = string | number | boolean;

export interface Partial<Cell> {
  /** The cell of a single event. `value` is the aggregated property; the event itself for counts and times. */
  of(value: Value, event: CanonicalEvent): Cell;
  merge(a: Cell, b: Cell): Cell;
  /** `start`: the tile's first instant, ms; times are written as offsets from it. */
  write(out: ByteWriter, cell: Cell, start: number): void;
  read(from: ByteReader, start: number): Cell;
}

export interface Sum {
  readonly n: number;
  readonly sum: number;
}

export interface Pick {
  readonly event_time: number;
  readonly available_at: number;
  readonly event_id: string;
  readonly value: Value;
}

/** The smallest hashes, ascending; `theta` (null: none) is the smallest hash ever left out. */
export interface Distinct {
  readonly hashes: readonly number[];
  readonly theta: number | null;
}

/** A sum that left the exact range; contracts bound their fields so that this takes a million extreme events. */
export class InexactSumError extends Error {
  override readonly name = 'InexactSumError';
}

function exact(sum: number): number {
  if (!Number.isSafeInteger(sum)) throw new InexactSumError('sum: found a number beyond 2^53; allowed: exact integers');
  return sum;
}

const count: Partial<number> = {
  of: () => 1,
  merge: (a, b) => a + b,
  write: (out, cell) => out.varint(cell),
  read: (from) => from.varint(),
};

const sum: Partial<Sum> = {
  of: (value) => ({ n: 1, sum: Number(value) }),
  merge: (a, b) => ({ n: a.n + b.n, sum: exact(a.sum + b.sum) }),
  write: (out, cell) => {
    out.varint(cell.n);
    out.signed(cell.sum);
  },
  read: (from) => ({ n: from.varint(), sum: from.signed() }),
};

const extreme = (keep: (a: number, b: number) => number): Partial<number> => ({
  of: (value) => Number(value),
  merge: keep,
  write: (out, cell) => out.signed(cell),
  read: (from) => from.signed(),
});

const time = (keep: (a: number, b: number) => number): Partial<number> => ({
  of: (_, event) => event.event_time,
  merge: keep,
  write: (out, cell, start) => out.varint(cell - start),
  read: (from, start) => from.varint() + start,
});

/** Order of first and last: (event_time, available_at, event_id), ids by code point. */
export function comparePicks(a: Pick, b: Pick): number {
  return a.event_time - b.event_time || a.available_at - b.available_at || compareCodePoints(a.event_id, b.event_id);
}

/** UTF-16 order differs from code point (= UTF-8 byte) order only where surrogates meet U+E000..U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

const pick = (keepFirst: boolean): Partial<Pick> => ({
  of: (value, event) => ({
    event_time: event.event_time,
    available_at: event.available_at,
    event_id: event.event_id,
    value,
  }),
  merge: (a, b) => (comparePicks(a, b) <= 0 === keepFirst ? a : b),
  write: (out, cell, start) => {
    out.varint(cell.event_time - start);
    out.varint(cell.available_at - cell.event_time);
    out.text(cell.event_id);
    out.scalar(cell.value);
  },
  read: (from, start) => {
    const event_time = from.varint() + start;
    return { event_time, available_at: from.varint() + event_time, event_id: from.text(), value: from.scalar() };
  },
});

/** Theta sketch (Dasgupta et al., 2016): exact until more than `cap` values meet in one tile. */
const distinct = (cap: number): Partial<Distinct> => ({
  of: (value) => ({ hashes: [hash53(String(value))], theta: null }),
  merge: (a, b) => trim(unite(a, b), cap),
  write: (out, cell) => {
    out.byte(cell.theta === null ? 0 : 1);
    if (cell.theta !== null) out.hash(cell.theta);
    out.varint(cell.hashes.length);
    for (const hash of cell.hashes) out.hash(hash);
  },
  read: (from) => {
    const theta = from.byte() === 1 ? from.hash() : null;
    return { hashes: Array.from({ length: from.varint() }, () => from.hash()), theta };
  },
});

/** Union below the smaller theta; not cut to a cap, so a window over exact tiles is exact. */
export function unite(a: Distinct, b: Distinct): Distinct {
  const theta = a.theta === null ? b.theta : b.theta === null ? a.theta : Math.min(a.theta, b.theta);
  const all = [...new Set([...a.hashes, ...b.hashes])].sort((x, y) => x - y);
  return { hashes: theta === null ? all : all.filter((hash) => hash < theta), theta };
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

/** @param cap count_distinct only: how many values a tile keeps exactly. */
export function partialOf(kind: PartialKind, cap: number | null): Partial<unknown> {
  const table: Record<PartialKind, () => unknown> = {
    count: () => count,
    sum: () => sum,
    min: () => extreme(Math.min),
    max: () => extreme(Math.max),
    first: () => pick(true),
    last: () => pick(false),
    distinct: () => distinct(cap ?? 0),
    time_min: () => time(Math.min),
    time_max: () => time(Math.max),
  };
  return table[kind]() as Partial<unknown>;
}

/** The value of an event for a partial, or null when the event doesn't count for it. */
export function valueFor(field: string | null, properties: Readonly<Record<string, Scalar>>): Value | null {
  return field === null ? true : (properties[field] ?? null);
}
