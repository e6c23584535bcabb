/**
 * One record of Kafka as Lambda gets it, key and value in base64
 * (https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html).
 */
import { Rejection } from '../../ir/rejection.ts';
import type { EnvelopeOptions } from '../../ir/source-options.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { Envelope, IntakeContext, Unpacked } from '../envelope.ts';
import { msOrNull, type Row } from './change-item.ts';
import { INNER_ENVELOPES } from './inner.ts';
import { isObject, objectAt, textAt } from './object-body.ts';

type Options = EnvelopeOptions<'kafka'>;

/** What a serialiser of a schema registry writes first. */
const REGISTRY_MAGIC = 0;

export const kafka: Envelope<Options> = {
  name: 'kafka',
  unpack: (raw, context, { inner }) =>
    refusedWhole(raw, () => {
      const record = objectAt(bodyOf(raw), 'record');
      const about = {
        topic: textAt(record.topic, 'topic'),
        partition: wholeAt(record.partition, 'partition'),
        offset: wholeAt(record.offset, 'offset'),
        timestamp: msOrNull(record.timestamp),
        key: keyOf(record.key),
        headers: headersOf(record.headers),
      };
      const value = bytesAt(record.value, 'value');
      if (inner !== undefined) return innerOf(inner, raw, value, { ...context, detail: about });
      const body = { ...about, value: value === null ? null : jsonOf(value) };
      const kind = value === null ? `${about.topic} tombstone` : about.topic;
      return { items: [{ body, id: null, kind }], refused: [], gaps: [] };
    }),
};

/** The envelope inside reads the value; what it refuses is kept as Kafka had it, with key and headers. */
function innerOf(
  name: NonNullable<Options['inner']>,
  raw: Uint8Array,
  value: Uint8Array | null,
  context: IntakeContext,
) {
  if (value === null) return { items: [], refused: [], gaps: [] };
  refuseRegistry(value);
  const found: Unpacked = INNER_ENVELOPES[name].unpack(value, context, {});
  return { ...found, refused: found.refused.map((refused) => ({ ...refused, raw })) };
}

function jsonOf(value: Uint8Array): unknown {
  refuseRegistry(value);
  return bodyOf(value);
}

function refuseRegistry(value: Uint8Array): void {
  if (value[0] === REGISTRY_MAGIC)
    throw new Rejection(
      'INVALID_ENVELOPE',
      'value: found the binary form of a schema registry; allowed: JSON; let the event source mapping decode it (schema registry, event record format JSON)',
    );
}

/** Null for a tombstone. */
function bytesAt(value: unknown, name: string): Uint8Array | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return Buffer.from(value, 'base64');
  throw new Rejection('INVALID_ENVELOPE', `${name}: found ${typeof value}; allowed: base64, or nothing`);
}

/** A JSON object where it is one, else its text. */
function keyOf(value: unknown): unknown {
  const bytes = bytesAt(value, 'key');
  if (bytes === null) return null;
  const text = Buffer.from(bytes).toString('utf8');
  if (!text.startsWith('{')) return text;
  try {
    return bodyOf(bytes);
  } catch (error) {
    if (error instanceof Rejection) return text;
    throw error;
  }
}

/** By their names; of a name that stands twice the last. Lambda gives bytes as numbers, Java's below zero too. */
function headersOf(value: unknown): Row {
  const headers: [string, string][] = [];
  for (const header of Array.isArray(value) ? value : []) {
    for (const [name, bytes] of isObject(header) ? Object.entries(header) : []) {
      if (Array.isArray(bytes)) headers.push([name, Buffer.from(bytes.map(Number)).toString('utf8')]);
    }
  }
  return Object.fromEntries(headers);
}

function wholeAt(value: unknown, name: string): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new Rejection('INVALID_ENVELOPE', `${name}: found ${typeof value}; allowed: a whole number`);
}
