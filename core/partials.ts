/**
 * Mergeable partial aggregates: associative, commutative, with an identity (null). What a window holds is never found by
 * subtracting; only a retracted event is taken out of its own tile, where that is exact.
 * A cell is what one partial holds in one tile; null where no event touched it. Cells are never changed in place.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { CanonicalEvent, Scalar } from './ir.ts';
import { count, extreme, moments, sum, time } from './partial-numbers.ts';
import { lastPicks, pick } from './partial-picks.ts';
import { distinct, histogram } from './partial-sets.ts';

export type PartialKind =
  | 'count'
  | 'sum'
  | 'variance'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'last_k'
  | 'distinct'
  | 'histogram'
  | 'time_min'
  | 'time_max';
export type Value = string | number | boolean;

/** The cell can't be told without the other events of its tile. */
export const INEXACT = Symbol('inexact');

/** What is remembered of an event that is retracted. */
export interface Retracted {
  readonly event_time: number;
  /** idHash of the event id, or formerIdHash. */
  readonly hash: number;
}

export interface Partial<Cell> {
  /** With one more event. `value` is the aggregated property, `true` where there is none. */
  add(cell: Cell | null, value: Value, event: CanonicalEvent): Cell;
  merge(a: Cell, b: Cell): Cell;
  /** Without an event that was added; null when it was the only one. */
  remove(cell: Cell, value: Value, event: Retracted): Cell | null | typeof INEXACT;
  /** `start`: the tile's first instant, ms; times are written as offsets from it. */
  write(out: ByteWriter, cell: Cell, start: number): void;
  read(from: ByteReader, start: number): Cell;
}

/** @param cap distinct and histogram: how many values a tile keeps. @param k last_k: how many picks */
export function partialOf(kind: PartialKind, cap: number | null, k: number | null): Partial<unknown> {
  const table: Record<PartialKind, () => unknown> = {
    count: () => count,
    sum: () => sum,
    variance: () => moments,
    min: () => extreme(Math.min),
    max: () => extreme(Math.max),
    first: () => pick(true),
    last: () => pick(false),
    last_k: () => lastPicks(k ?? 0),
    distinct: () => distinct(cap ?? 0),
    histogram: () => histogram(cap ?? 0),
    time_min: () => time(Math.min),
    time_max: () => time(Math.max),
  };
  return table[kind]() as Partial<unknown>;
}

/** The value of an event for a partial, or null when the event doesn't count for it. */
export function valueFor(field: string | null, properties: Readonly<Record<string, Scalar>>): Value | null {
  return field === null ? true : (properties[field] ?? null);
}
