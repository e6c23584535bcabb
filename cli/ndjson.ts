import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the line end; exactly the bytes of the file, valid UTF-8 or not. */
  readonly bytes: Buffer;
}

/** The lines of a file (`-`: standard input; `.gz`: unpacked), one at a time. Blank lines are left out. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  const source: Readable = path === '-' ? process.stdin : createReadStream(path);
  const stream = path.endsWith('.gz') ? source.compose(createGunzip()) : source;
  let pending: Buffer[] = [];
  let number = 0;
  const take = (last: Buffer): Line | undefined => {
    number += 1;
    const whole = pending.length === 0 ? last : Buffer.concat([...pending, last]);
    pending = [];
    const bytes = whole.at(-1) === CARRIAGE_RETURN ? whole.subarray(0, -1) : whole;
    return bytes.length === 0 ? undefined : { number, bytes };
  };
  for await (const part of stream) {
    let chunk = part as Buffer;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE)) {
      const line = take(chunk.subarray(0, end));
      if (line) yield line;
      chunk = chunk.subarray(end + 1);
    }
    if (chunk.length > 0) pending.push(chunk);
  }
  if (pending.length > 0) {
    const line = take(Buffer.alloc(0));
    if (line) yield line;
  }
}

/** The `entity_id` of an event line, or what is wrong with the line (never its content). */
export function entityOf(bytes: Buffer): { entity_id: string } | { problem: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { problem: 'is not UTF-8' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      problem: `is ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`}, not a JSON object`,
    };
  }
  const entity: unknown = Object.hasOwn(value, 'entity_id') ? (value as { entity_id: unknown }).entity_id : undefined;
  if (typeof entity !== 'string' || entity.length === 0 || entity.length > 256) {
    const found = typeof entity === 'string' ? `a string of ${entity.length} characters` : `of type ${typeof entity}`;
    return { problem: `has an entity_id ${found}; allowed is a string of 1 to 256 characters` };
  }
  return { entity_id: entity };
}
