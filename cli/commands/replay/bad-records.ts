import type { FieldIR, UseCaseIR } from '../../../core/ir/document.ts';
import type { RejectionReason } from '../../../core/ir/rejection.ts';
import { DAY } from '../../../core/values/time.ts';
import type { StreamRecord } from '../../stage/stream-writer.ts';

/** An event as a source sends it. */
export interface WireEvent {
  readonly event_id: string;
  readonly entity_id: string;
  readonly event_type: string;
  readonly event_time: string | number;
  readonly source: string;
  readonly schema_version: number;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly available_at?: string | number;
}

export interface BadRecord extends StreamRecord {
  /** What is wrong with it, for people. */
  readonly what: string;
  /** The reason it must have in the quarantine. */
  readonly reason: RejectionReason;
}

/** Above what the processor reads, below what Kinesis takes. */
const OVERSIZE_BYTES = 600_000;

/** A numeric field that the event's contract requires or knows. */
function numericField(ir: UseCaseIR, event: WireEvent): FieldIR | undefined {
  const contract = ir.contracts.find(
    (c) => c.event_type === event.event_type && c.schema_version === event.schema_version,
  );
  return contract?.fields.find((field) => field.type === 'decimal' || field.type === 'int');
}

/**
 * One record of every kind of bad input, made from a good event: each is what a broken source really sends.
 * @param good an event that is in the stream already (its id makes the duplicate), with `available_at` in ms UTC
 */
export function badRecords(ir: UseCaseIR, good: WireEvent, available_at: number): BadRecord[] {
  const records: BadRecord[] = [];
  const add = (what: string, reason: RejectionReason, data: string | Uint8Array) => {
    records.push({
      what,
      reason,
      partitionKey: good.entity_id,
      data: typeof data === 'string' ? Buffer.from(data) : data,
    });
  };
  const event = (id: string, change: Record<string, unknown> = {}) => ({
    ...good,
    event_id: `bad-${id}`,
    available_at,
    ...change,
  });
  const text = (id: string, change: Record<string, unknown> = {}) => JSON.stringify(event(id, change));
  const number = numericField(ir, good);
  const key = number ? (number.from ?? number.name) : 'amount';
  const withNumber = (id: string, literal: string) =>
    text(id, { properties: { ...good.properties, [key]: '@@' } }).replace('"@@"', literal);

  add('cut off in the middle', 'MALFORMED_JSON', text('cut').slice(0, -20));
  add('NaN where a number belongs', 'MALFORMED_JSON', withNumber('nan', 'NaN'));
  add('a number that is infinite', 'INVALID_FIELD', withNumber('infinity', '1e999'));
  add('an array, not an object', 'NOT_AN_OBJECT', `[${text('array')}]`);
  add(
    'bytes that are not valid UTF-8',
    'INVALID_UTF8',
    Buffer.concat([Buffer.from('{"event_id":"'), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from('"}')]),
  );
  add('an event type nobody declared', 'UNKNOWN_EVENT_TYPE', text('type', { event_type: 'no_such_event' }));
  add('a version nobody declared', 'UNSUPPORTED_SCHEMA_VERSION', text('version', { schema_version: 99 }));
  add('no entity', 'MISSING_ENTITY', text('entity', { entity_id: undefined }));
  add('a time without a zone', 'INVALID_EVENT_TIME', text('zone', { event_time: '2017-12-01 10:00:00' }));
  add(
    'a time two days ahead',
    'EVENT_TIME_IN_FUTURE',
    text('future', { event_time: sameFormat(good.event_time, available_at + 2 * DAY) }),
  );
  add(
    'a record of 600 kB',
    'OVERSIZE',
    text('size', { properties: { ...good.properties, padding: 'x'.repeat(OVERSIZE_BYTES) } }),
  );
  add(
    'a __proto__ key',
    'FORBIDDEN_KEY',
    text('proto').replace('"properties":{', '"properties":{"__proto__":{"polluted":true},'),
  );
  add('an id that was there before', 'DUPLICATE_EVENT_ID', text('duplicate', { event_id: good.event_id }));
  return records;
}

/** ms UTC, written as the example is. */
function sameFormat(example: string | number, ms: number): string | number {
  if (typeof example === 'string') return new Date(ms).toISOString();
  return example < 100_000_000_000 ? Math.floor(ms / 1000) : ms;
}
