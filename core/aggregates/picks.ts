/** Single events, picked by the order (event_time, available_at, event_id). */

import { EVENT_ID, scalar, VARINT } from '../values/byte-sizes.ts';
import { ByteReader, type ByteWriter } from '../values/bytes.ts';
import { compareCodePoints } from '../values/text.ts';
import type { Value } from './aggregation.ts';

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

export function pickOf(value: Value, event: Omit<Pick, 'value'>): Pick {
  return { event_time: event.event_time, available_at: event.available_at, event_id: event.event_id, value };
}

/** Bytes: varint event_time - tile start, varint available_at - event_time, text event_id, scalar value. */
export function writePick(out: ByteWriter, cell: Pick, start: number): void {
  out.varint(cell.event_time - start);
  out.varint(cell.available_at - cell.event_time);
  out.text(cell.event_id);
  out.scalar(cell.value);
}

export function readPick(from: ByteReader, start: number): Pick {
  const event_time = from.varint() + start;
  return new StoredPick(event_time, from.varint() + event_time, from, from.skipText(), from.scalar());
}

/** Bytes of a pick at most. @param text of the longest value of its field */
export const largestPick = (text: number): number => 2 * VARINT + EVENT_ID + scalar(text);

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
