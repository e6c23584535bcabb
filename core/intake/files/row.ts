/** One record of a file, or what stands there and is none. */
import type { RejectionReason } from '../../ir/rejection.ts';
import { type Line, LONGEST_ROW } from './lines.ts';

const LF = 0x0a;

export interface FileRow {
  /** Of the line it begins in, or of the element in its array; from 1. */
  readonly place: number;
  /** One JSON value as it was written; of a table an object, column → text, null where there is none. */
  readonly json: Uint8Array;
}

/** It goes to the quarantine, and the rest of the file goes on. */
export interface BadRow {
  readonly place: number;
  readonly reason: RejectionReason;
  /** Place, what was found and what is allowed; never what stands there. */
  readonly detail: string;
  /** As it was written, or the beginning of it where it is longer than LONGEST_ROW; under the header of a file that has one. */
  readonly raw: Uint8Array;
}

export type Row = FileRow | BadRow;
/** @param chunks of a file that is not packed any more */
export type RowReader = (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Row>;

export const isBad = (row: Row): row is BadRow => 'reason' in row;

export const tooLong = ({ place, bytes, length }: Line): BadRow => ({
  place,
  reason: 'OVERSIZE',
  detail: `line ${place}: found ${length} bytes; allowed: up to ${LONGEST_ROW}`,
  raw: bytes,
});

export const badRow = (place: number, raw: Uint8Array, detail: string): BadRow => ({
  place,
  reason: 'INVALID_ENVELOPE',
  detail: `line ${place}: ${detail}`,
  raw,
});

/** A longer header is left out: it would stand before each of them. */
const LONGEST_HEADER = 8192;

/** A row that can't be read, with the line of the file that names its columns: by both together it may be read after a fix. */
export function under(header: Uint8Array | null, row: Row): Row {
  if (header === null || header.length > LONGEST_HEADER || !isBad(row)) return row;
  return { ...row, raw: Buffer.concat([header, Uint8Array.of(LF), row.raw]) };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @returns the line as text, or why there is none */
export function textOf({ place, bytes }: Line): string | BadRow {
  try {
    return decoder.decode(bytes);
  } catch {
    const detail = `line ${place}: found bytes that are not valid UTF-8; allowed: UTF-8`;
    return { place, reason: 'INVALID_UTF8', detail, raw: bytes };
  }
}

const encoder = new TextEncoder();

/** An object of the columns, in their order. @param names as many as values, none twice */
export function tableRow(place: number, names: readonly string[], values: readonly (string | null)[]): FileRow {
  // Not by a JavaScript object: names that look like numbers would change their place, and `__proto__` its prototype.
  const members = names.map((name, i) => `${JSON.stringify(name)}:${JSON.stringify(values[i])}`);
  return { place, json: encoder.encode(`{${members.join(',')}}`) };
}
