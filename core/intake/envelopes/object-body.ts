/** Bodies that are one JSON object, and parts of them. */
import type { JsonObject } from '../../admission/record.ts';
import { typeName } from '../../ir/errors.ts';
import { Rejection } from '../../ir/rejection.ts';
import { bodyOf, bytesOf, refusedWhole } from '../body.ts';
import type { Item, Refused, Unpacked } from '../envelope.ts';

const LONGEST_KIND = 64;
/** What a MiB of real messages holds, and far below what a MiB of empty ones would cost to keep. */
const MOST_PARTS = 10_000;

/** A body that can't be read or isn't of its format is refused as a whole. @param unpack raises Rejection for such */
export function unpackObject(raw: Uint8Array, unpack: (root: JsonObject) => Unpacked): Unpacked {
  return refusedWhole(raw, () => {
    const root = bodyOf(raw);
    if (isObject(root)) return unpack(root);
    throw new Rejection('NOT_AN_OBJECT', `body: found ${typeName(root)}; allowed: one JSON object`);
  });
}

/**
 * Each part by itself: one that raises a Rejection is refused, and the others go on.
 * @param again a body of the same envelope that holds the part alone
 * @throws Rejection TOO_MANY_EVENTS: the whole
 */
export function unpackParts<Part>(
  parts: readonly Part[],
  itemOf: (part: Part, index: number) => Item,
  again: (part: Part) => unknown,
): Unpacked {
  if (parts.length > MOST_PARTS)
    throw new Rejection('TOO_MANY_EVENTS', `body: found ${parts.length} events; allowed: up to ${MOST_PARTS}`);
  const [items, refused]: [Item[], Refused[]] = [[], []];
  parts.forEach((part, index) => {
    const raw = () => bytesOf(again(part));
    try {
      items.push({ ...itemOf(part, index), raw });
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      refused.push({ reason: error.reason, detail: error.message, raw: raw() });
    }
  });
  return { items, refused, gaps: [] };
}

/** @throws Rejection INVALID_ENVELOPE for anything else */
export function objectAt(value: unknown, field: string): JsonObject {
  if (isObject(value)) return value;
  throw new Rejection('INVALID_ENVELOPE', `${field}: found ${found(value)}; allowed: an object`);
}

/** @throws Rejection INVALID_ENVELOPE for anything else */
export function arrayAt(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Rejection('INVALID_ENVELOPE', `${field}: found ${found(value)}; allowed: an array`);
}

/** @throws Rejection INVALID_ENVELOPE for anything else, and for an empty text */
export function textAt(value: unknown, field: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Rejection('INVALID_ENVELOPE', `${field}: found ${found(value)}; allowed: a text that is not empty`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeName(value) === 'object';
}

/** What a provider calls a fact, for counts: nothing in it that a person wrote. */
export function kindOf(text: unknown): string {
  return typeof text === 'string' && text.length <= LONGEST_KIND && /^[A-Za-z][\w.:/-]*$/.test(text) ? text : 'other';
}

function found(value: unknown): string {
  if (value === '') return 'an empty text';
  return value === undefined ? 'none' : typeName(value);
}
