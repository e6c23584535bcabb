/** Bodies that no provider sends, made of ones that it does: changed as values, as text, as bytes; or nothing of the kind. */
import { gzipSync } from 'node:zlib';
import { GOOD, KEYS, type Sent, SIGN } from '../lambdas/intake-http/providers.ts';
import type { Chance } from '../simulation/chance.ts';
import { NUMBERS, TEXTS } from './odd-values.ts';

type Json = { [name: string]: unknown } | unknown[];

const KEYS_OF_OBJECTS = [
  '',
  '__proto__',
  'constructor',
  'id',
  'type',
  'batch',
  'data',
  'userId',
  'key',
  'value',
  'x_events',
  '😀',
  'a/b',
  '~',
];
const SPLICES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  ':',
  '&amp;',
  '&#0;',
  '&lol;',
  '<!DOCTYPE a>',
  '<a>',
  '</Id>',
  '<![CDATA[',
  '-->',
  '\u0000',
  '\ufeff',
  '\\ud800',
  '1e999',
];
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'text/xml',
  'application/x-protobuf',
  '',
  ';',
  'text/plain; charset="latin1"',
];

const PACKED = { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' };

/** What a sender makes of a body; its proof is right unless chance says otherwise. */
export function oddRequest(
  source: string,
  chance: Chance,
): { readonly sent: Sent; readonly body: Uint8Array | string } {
  const body = oddBody(GOOD[source]!.body, chance);
  const packed = chance.of(0.15);
  const bytes = packed ? gzipSync(body) : body;
  const wire = packed && chance.of(0.3) ? damaged(Buffer.from(bytes), chance) : bytes;
  const sent = SIGN[source]!(wire, chance.of(0.05) ? 'another-key' : KEYS[chance.int(2)]);
  const headers: Record<string, string> = { ...sent.headers, ...(packed && PACKED) };
  if (chance.of(0.05)) headers['content-type'] = chance.pick(TYPES);
  if (chance.of(0.02)) headers['content-encoding'] = chance.pick(['gzip', 'br', 'identity', '', 'gzip, gzip']);
  const names = Object.keys(headers);
  if (chance.of(0.03) && names.length > 0) headers[chance.pick(names)] = chance.pick(TEXTS);
  const method = chance.of(0.01) ? chance.pick(['GET', 'OPTIONS', 'PUT']) : 'POST';
  return { sent: { ...sent, headers, method }, body };
}

/** A body that is right, changed, cut, damaged, or none at all. */
export function oddBody(good: string, chance: Chance): Uint8Array | string {
  const way = chance.float();
  if (way < 0.1) return good;
  if (way < 0.65 && good.startsWith('{')) return changedValues(good, chance);
  if (way < 0.8) return spliced(good, chance);
  if (way < 0.95) return damaged(Buffer.from(good), chance);
  return Buffer.from(Array.from({ length: chance.int(300) }, () => chance.int(256)));
}

/** One to four values replaced, removed, doubled or added, each anywhere in the document. */
function changedValues(good: string, chance: Chance): string {
  const root = JSON.parse(good) as Json;
  for (let left = 1 + chance.int(4); left > 0; left--) change(root, chance);
  // What can't stand in JSON.parse's values: numbers as they were written.
  return JSON.stringify(root).replace(/"number:([^"]+)"/g, '$1');
}

function change(root: Json, chance: Chance): void {
  let at = root;
  for (;;) {
    const inner = Object.values(at).filter((value): value is Json => typeof value === 'object' && value !== null);
    if (inner.length === 0 || chance.of(0.3)) break;
    at = chance.pick(inner);
  }
  if (Array.isArray(at)) changeArray(at, chance);
  else changeObject(at, chance);
}

function changeObject(at: Record<string, unknown>, chance: Chance): void {
  const names = Object.keys(at);
  const name = names.length > 0 && chance.of(0.8) ? chance.pick(names) : chance.pick(KEYS_OF_OBJECTS);
  if (chance.of(0.3)) delete at[name];
  else
    Object.defineProperty(at, name, { value: oddValue(chance), enumerable: true, configurable: true, writable: true });
}

function changeArray(at: unknown[], chance: Chance): void {
  const place = chance.int(at.length + 1);
  if (chance.of(0.3)) at.splice(place, 1);
  else if (chance.of(0.4) && at.length > 0 && at.length < 200) at.push(...(structuredClone(at) as unknown[]));
  else at.splice(place, 0, oddValue(chance));
}

function oddValue(chance: Chance): unknown {
  const way = chance.int(8);
  if (way < 3) return chance.pick(TEXTS);
  if (way < 5) return `number:${chance.pick(NUMBERS)}`;
  if (way === 5) return chance.pick([null, true, false, [], {}, [null], [[]], { stringValue: {} }, { intValue: [] }]);
  if (way === 6) return nested(chance.int(80));
  return 'x'.repeat(chance.int(3000));
}

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

function spliced(good: string, chance: Chance): string {
  const at = chance.int(good.length + 1);
  const end = Math.min(good.length, at + chance.int(chance.of(0.3) ? 200 : 3));
  const again = chance.of(0.3) ? good.slice(at, at + chance.int(400)) : '';
  return (
    good.slice(0, at) +
    chance.pick(SPLICES).repeat(1 + chance.int(chance.of(0.02) ? 3000 : 2)) +
    again +
    good.slice(end)
  );
}

export function damaged(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.int(bytes.length + 1);
  if (chance.of(0.3)) return bytes.subarray(0, at);
  const flipped = Buffer.from(bytes);
  for (let left = 1 + chance.int(3); left > 0; left--) flipped[chance.int(flipped.length)] = chance.int(256);
  return flipped;
}
