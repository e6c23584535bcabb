/** Hashes that every engine computes alike. */
import * as crypto from 'node:crypto';

const encoder = new TextEncoder();

/** The bytes of a text's sha256, a character each. Node before 20.12 has no hash in one call. */
const digest: (text: string) => string =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'binary')
    : (text) => crypto.createHash('sha256').update(text).digest('binary');

/**
 * What a state remembers of an event id: the first 53 bits of its sha256, the lowest byte first, so that nobody finds an id
 * that is taken for another's.
 */
export function idHash(event_id: string): number {
  const bytes = digest(event_id);
  const byte = (i: number) => bytes.charCodeAt(i);
  const low = (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
  return (byte(4) | (byte(5) << 8) | ((byte(6) & 0x1f) << 16)) * 2 ** 32 + low;
}

/** The same as states of codec versions 1 and 2 have it: below zero, so that neither is taken for the other. */
export function formerIdHash(event_id: string): number {
  return formerId(hash53(event_id));
}

/** @param hash hash53 of an event id */
export function formerId(hash: number): number {
  return -1 - hash;
}

/** Whether `hash` is what a state remembers of this id, by whichever codec. */
export function isHashOf(hash: number, event_id: string): boolean {
  return hash === (hash < 0 ? formerIdHash(event_id) : idHash(event_id));
}

/** MurmurHash3 x86 32-bit (Appleby, public domain) over bytes; unsigned. */
export function murmur3(bytes: Uint8Array, seed: number, length = bytes.length): number {
  let h = seed | 0;
  const blocks = length & ~3;
  for (let i = 0; i < blocks; i += 4) {
    const k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    h ^= mixBlock(k);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = length - 1; i >= blocks; i--) tail = (tail << 8) | bytes[i]!;
  if (length > blocks) h ^= mixBlock(tail);
  h ^= length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function mixBlock(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

/**
 * Of distinct values; not for what must not be aimed at. 53 bits, so that it is an exact number everywhere: low 21 bits of
 * murmur3(seed 1) above murmur3(seed 0).
 */
export function hash53(text: string): number {
  const { length } = text;
  if (length > scratch.length || !intoScratch(text)) {
    const bytes = encoder.encode(text);
    return (murmur3(bytes, 1) & 0x1fffff) * 2 ** 32 + murmur3(bytes, 0);
  }
  return (murmur3(scratch, 1, length) & 0x1fffff) * 2 ** 32 + murmur3(scratch, 0, length);
}

/** Ids are short and ASCII nearly always: copying them by hand takes a fifth of the encoder's time. */
const scratch = new Uint8Array(64);

/** @returns false for a text that is not ASCII */
function intoScratch(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return false;
    scratch[i] = unit;
  }
  return true;
}

/** JSON with sorted keys and no white space: the same document has one text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** sha256 of a text, hex. */
export function sha256(text: string): string {
  return sha256Bytes(text).toString('hex');
}

/** sha256 of a text in UTF-8. */
export function sha256Bytes(text: string): Buffer {
  return crypto.createHash('sha256').update(text).digest();
}
