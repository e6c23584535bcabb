import type { JsonObject } from '../../admission/record.ts';
import { Rejection } from '../../ir/rejection.ts';
import { canonicalJson, sha256 } from '../../values/hash.ts';
import { MAX_TIME } from '../../values/time.ts';
import type { Envelope, Item } from '../envelope.ts';
import { arrayAt, isObject, kindOf, objectAt, unpackObject, unpackParts } from './object-body.ts';

/** The semantic conventions' unique id of a record (https://opentelemetry.io/docs/specs/semconv/general/logs/). */
const RECORD_ID = 'log.record.uid';

/** A record and what it shares with others of its message. */
interface Part {
  readonly resource: unknown;
  readonly scope: unknown;
  readonly record: unknown;
}

/**
 * OTLP's ExportLogsServiceRequest in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), an item a record:
 * `{ time_ms, event_name, severity_text, severity_number, body, attributes, resource, scope, trace_id, span_id }`, null where
 * the record says nothing; attributes as plain objects, whole numbers above 2^53 as text.
 *
 * A record has no id: it is the attribute `log.record.uid`, else a hash of all that the record says, so that a retried export
 * is no second event, and two records that are alike to the nanosecond are one.
 */
export const otlpLogs: Envelope = {
  name: 'otlp_logs',
  unpack: (raw, { received_ms }) =>
    unpackObject(raw, (root) =>
      unpackParts(
        partsOf(root),
        (part) => itemOf(part, received_ms),
        ({ resource, scope, record }) => ({
          resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: [record] }] }],
        }),
      ),
    ),
};

function partsOf(root: JsonObject): Part[] {
  return list(root.resourceLogs, 'resourceLogs').flatMap((one) => {
    const { resource, scopeLogs } = objectAt(one, 'resourceLogs[]');
    return list(scopeLogs, 'scopeLogs').flatMap((each) => {
      const { scope, logRecords } = objectAt(each, 'scopeLogs[]');
      return list(logRecords, 'logRecords').map((record): Part => ({ resource, scope, record }));
    });
  });
}

/** Protobuf's JSON leaves out what is empty. */
function list(value: unknown, field: string): readonly unknown[] {
  return value === undefined || value === null ? [] : arrayAt(value, field);
}

function itemOf({ resource, scope, record: given }: Part, received_ms: number): Item {
  const record = objectAt(given, 'logRecords[]');
  const attributes = objectOf(record.attributes, 'attributes');
  const shared = objectOf(isObject(resource) ? resource.attributes : undefined, 'resource.attributes');
  const { eventName, severityText, severityNumber, traceId, spanId } = record;
  const body = {
    time_ms: millisecondsIn(record.timeUnixNano) ?? millisecondsIn(record.observedTimeUnixNano) ?? received_ms,
    event_name: textOrNull(eventName) ?? textOrNull(attributes['event.name']),
    severity_text: textOrNull(severityText),
    severity_number: typeof severityNumber === 'number' ? severityNumber : null,
    body: plainOf(record.body, 'body'),
    attributes,
    resource: shared,
    scope: isObject(scope) ? textOrNull(scope.name) : null,
    trace_id: textOrNull(traceId),
    span_id: textOrNull(spanId),
  };
  const id = textOrNull(attributes[RECORD_ID]) ?? sha256(canonicalJson([shared, scope ?? null, record]));
  return { body, id, kind: kindOf(body.event_name ?? body.severity_text ?? 'log') };
}

/** Lists of `{ key, value }` as an object. */
function objectOf(pairs: unknown, field: string): JsonObject {
  const object: Record<string, unknown> = {};
  for (const pair of list(pairs, field)) {
    const { key, value } = objectAt(pair, `${field}[]`);
    if (typeof key !== 'string')
      throw new Rejection('INVALID_ENVELOPE', `${field}[].key: found ${typeof key}; allowed: text`);
    if (key === '__proto__' || key === 'constructor' || key === 'prototype')
      throw new Rejection('FORBIDDEN_KEY', `${field}: found a key that names a prototype; allowed: any other key`);
    object[key] = plainOf(value, `${field}[].value`);
  }
  return object;
}

/** An AnyValue as plain JSON; null where it is empty. */
function plainOf(value: unknown, field: string): unknown {
  if (value === undefined || value === null) return null;
  const any = objectAt(value, field);
  if ('intValue' in any) return wholeNumber(any.intValue, field);
  if ('arrayValue' in any) return list(membersOf(any.arrayValue), field).map((one) => plainOf(one, field));
  if ('kvlistValue' in any) return objectOf(membersOf(any.kvlistValue), field);
  const plain = any.stringValue ?? any.boolValue ?? any.doubleValue ?? any.bytesValue ?? null;
  if (plain === null || typeof plain !== 'object') return plain;
  throw new Rejection('INVALID_ENVELOPE', `${field}: found an object in place of a scalar; allowed: one AnyValue`);
}

function membersOf(value: unknown): unknown {
  return isObject(value) ? value.values : undefined;
}

/** int64 is text in protobuf's JSON; some SDKs write numbers. What JSON can't hold exactly stays text. */
function wholeNumber(value: unknown, field: string): number | string {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text))
    throw new Rejection('INVALID_ENVELOPE', `${field}.intValue: found no whole number; allowed: 64 bits, as text`);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

/** Nanoseconds as text or number → ms UTC; 0 says that nobody knows. */
function millisecondsIn(value: unknown): number | null {
  const text = typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : value;
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text)) return null;
  const ms = Number(BigInt(text) / 1_000_000n);
  return ms > 0 && ms <= MAX_TIME ? ms : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
