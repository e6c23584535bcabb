/** The bytes of a record as JSON: what can be read, is not too large or too deep, and hides no key. */
import { typeName } from '../ir/errors.ts';
import { Rejection } from '../ir/rejection.ts';
import { isDeeper, membersOf } from './json-text.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Objects and arrays within each other, the record itself included: Python and Arrow read it, and so do people. */
export const MAX_DEPTH = 64;
/** Where an event keeps what its contract does not know: no field can have this name. */
export const UNKNOWN_KEY = '_unknown';

export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** Fatal: a byte that is no UTF-8 is an error, never U+FFFD. A byte order mark is no JSON either. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws Rejection OVERSIZE, INVALID_UTF8 */
export function decodeRecord(data: Uint8Array, maxBytes: number): string {
  if (data.byteLength > maxBytes) {
    throw new Rejection('OVERSIZE', `record: found ${data.byteLength} bytes; allowed: up to ${maxBytes}`);
  }
  try {
    return decoder.decode(data);
  } catch {
    throw new Rejection('INVALID_UTF8', 'record: found bytes that are not valid UTF-8; allowed: JSON in UTF-8');
  }
}

/** One JSON object. @throws Rejection with the first of TOO_DEEP, MALFORMED_JSON, NOT_AN_OBJECT, FORBIDDEN_KEY */
export function parseRecord(text: string): JsonObject {
  const value = parseJson(text);
  if (typeName(value) !== 'object') {
    throw new Rejection('NOT_AN_OBJECT', `record: found ${typeName(value)}; allowed: one JSON object`);
  }
  refuseForbiddenKeys(text, value);
  return value as JsonObject;
}

/** Any JSON value, none of whose keys names a prototype. @throws Rejection with the first of TOO_DEEP, MALFORMED_JSON, FORBIDDEN_KEY */
export function parseSafeJson(text: string): unknown {
  const value = parseJson(text);
  refuseForbiddenKeys(text, value);
  return value;
}

/** The depth is that of the text: of a member that stands twice a parser keeps one, and the other may be the deeper. */
function parseJson(text: string): unknown {
  if (isDeeper(text, MAX_DEPTH)) {
    throw new Rejection('TOO_DEEP', `record: found JSON of more than ${MAX_DEPTH} levels; allowed: ${MAX_DEPTH}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Rejection('MALFORMED_JSON', 'record: found text that is not valid JSON; allowed: one JSON object');
  }
}

/** Walks the document only where its text could hold such a key (an escape could hide one). */
function refuseForbiddenKeys(text: string, root: unknown): void {
  if (!/__proto__|constructor|prototype|\\u/.test(text)) return;
  const open: unknown[] = [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === null || typeof next !== 'object') continue;
    for (const key of Object.keys(next)) {
      if (FORBIDDEN_KEYS.has(key)) {
        throw new Rejection('FORBIDDEN_KEY', 'record: found a key that names a prototype; allowed: any other key');
      }
    }
    // A null in an array would end the walk early.
    for (const child of Object.values(next)) if (child !== null && typeof child === 'object') open.push(child);
  }
}

/**
 * The record without what is known of it, as JSON text: each member as the producer wrote it, so that nothing of it is
 * rounded, reordered or lost.
 * @param envelope the members that are read of the record. @param known those of its properties
 */
export function unknownOf(text: string, envelope: ReadonlySet<string>, known: ReadonlySet<string>): string {
  const left: string[] = [];
  for (const { key, source, at } of membersOf(text, text.indexOf('{'))) {
    if (key !== 'properties') {
      if (!envelope.has(key)) left.push(source);
    } else if (text[at] === '{') {
      const inside = membersOf(text, at).filter((member) => !known.has(member.key));
      if (inside.length > 0) left.push(`"properties":{${inside.map((member) => member.source).join(',')}}`);
    }
  }
  return `{${left.join(',')}}`;
}
