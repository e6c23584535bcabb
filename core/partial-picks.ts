/** first, last and last_k: single events picked by the order (event_time, available_at, event_id). */
import { ByteReader, type ByteWriter } from './bytes.ts';
import { isHashOf } from './hash.ts';
import { INEXACT, type Partial, type Value } from './partials.ts';

export interface Pick {
  readonly event_time: number;
  readonly available_at: number;
  readonly event_id: string;
  readonly value: Value;
}

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

function pickOf(value: Value, event: Omit<Pick, 'value'>): Pick {
  return { event_time: event.event_time, available_at: event.available_at, event_id: event.event_id, value };
}

function write(out: ByteWriter, cell: Pick, start: number): void {
  out.varint(cell.event_time - start);
  out.varint(cell.available_at - cell.event_time);
  out.text(cell.event_id);
  out.scalar(cell.value);
}

function read(from: ByteReader, start: number): Pick {
  const event_time = from.varint() + start;
  return new StoredPick(event_time, from.varint() + event_time, from, from.skipText(), from.scalar());
}

/** A pick as it was stored: its id, which only ties ask for, stays bytes until then (a fifth of the time of a read). */
class StoredPick implements Pick {
  readonly event_time: number;
  readonly available_at: number;
  readonly value: Value;
  private readonly bytes: Uint8Array;
  private readonly at: number;

  constructor(event_time: number, available_at: number, { bytes }: ByteReader, at: number, value: Value) {
    this.event_time = event_time;
    this.available_at = available_at;
    this.value = value;
    this.bytes = bytes;
    this.at = at;
  }

  get event_id(): string {
    return new ByteReader(this.bytes, this.at).text();
  }
}

export const pick = (keepFirst: boolean): Partial<Pick> => {
  const merge = (a: Pick, b: Pick) => (comparePicks(a, b) <= 0 === keepFirst ? a : b);
  return {
    add: (cell, value, event) => {
      const added = pickOf(value, event);
      return cell === null ? added : merge(cell, added);
    },
    merge,
    // Who was second is not known; whoever was not picked was not counted.
    remove: (cell, _, { hash }) => (isHashOf(hash, cell.event_id) ? INEXACT : cell),
    write,
    read,
  };
};

/** The `k` newest picks, newest first. */
export const lastPicks = (k: number): Partial<readonly Pick[]> => {
  const merge = (a: readonly Pick[], b: readonly Pick[]) => [...a, ...b].sort((x, y) => comparePicks(y, x)).slice(0, k);
  return {
    add: (cell, value, event) => merge(cell ?? [], [pickOf(value, event)]),
    merge,
    remove: (cell, _, { hash }) => {
      const kept = cell.filter((one) => !isHashOf(hash, one.event_id));
      if (kept.length === cell.length) return cell;
      // A tile that was not full holds all its events, so nobody moves up.
      if (cell.length === k) return INEXACT;
      return kept.length > 0 ? kept : null;
    },
    write: (out, cell, start) => {
      out.varint(cell.length);
      for (const one of cell) write(out, one, start);
    },
    read: (from, start) => Array.from({ length: from.varint() }, () => read(from, start)),
  };
};
