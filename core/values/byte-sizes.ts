/** Bytes at most of what the codec writes (core/values/bytes.ts): for the largest state that a view can have. */

/** The longest varint: 53 bits, 7 a byte. */
export const VARINT = 8;
export const SIGNED = 9;
export const HASH = 7;
/** UTF-8 bytes of a character. */
export const CHARACTER = 4;
/** An event id of 128 characters. */
export const EVENT_ID = 2 + 128 * CHARACTER;
/** Varint of a time within a tile or a horizon, ms: 42 bits are 139 years. */
export const TIME = 6;

/** @param text bytes of the longest text that the value may be, 0 where it is none */
export function scalar(text: number): number {
  return 1 + Math.max(SIGNED, VARINT + text);
}
