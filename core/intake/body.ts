/** Bytes of a source's record as JSON and back, and a record that can't be read at all. */
import { decodeRecord, parseSafeJson } from '../admission/record.ts';
import { Rejection } from '../ir/rejection.ts';
import type { Unpacked } from './envelope.ts';

/** What Lambda takes of a caller, and more than any record of a stream. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;
const encoder = new TextEncoder();

/** @throws Rejection OVERSIZE, INVALID_UTF8, TOO_DEEP, MALFORMED_JSON, FORBIDDEN_KEY */
export const bodyOf = (raw: Uint8Array): unknown => parseSafeJson(decodeRecord(raw, MAX_BODY_BYTES));

/** Any JSON value as UTF-8. */
export const bytesOf = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

/** What `unpack` makes, or the whole record refused with its reason. @throws whatever is no Rejection: a defect of ours */
export function refusedWhole(raw: Uint8Array, unpack: () => Unpacked): Unpacked {
  try {
    return unpack();
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return { items: [], refused: [{ reason: error.reason, detail: error.message, raw }], gaps: [] };
  }
}
