/**
 * The front door: bytes of one stream record → a canonical event, or a rejection with its reason.
 * Rules run in this order: rename → trim/case → parse → default → range/enum → derived columns.
 */

import type { CanonicalEvent, ContractIR, Scalar } from '../ir/document.ts';
import { typeName } from '../ir/errors.ts';
import { Rejection, type RejectionReason } from '../ir/rejection.ts';
import { evaluate } from '../values/expr.ts';
import { isIdentifier } from '../values/text.ts';
import { type LocalClock, MAX_TIME, parseTimestamp } from '../values/time.ts';
import { localClock } from '../values/time-zone.ts';
import { fieldValue, inRange } from './field-value.ts';
import { decodeRecord, type JsonObject, parseRecord, UNKNOWN_KEY, unknownOf } from './record.ts';

/** Where and when a record arrived. `arrival_ms`: the stream's own arrival time, ms UTC. */
export interface RecordPosition {
  readonly shard_id: string;
  readonly sequence_number: string;
  readonly arrival_ms: number;
  readonly partition_key: string;
  /** Place among the events of one record, from 0. @default 0 */
  readonly sub_sequence?: number;
}

export interface AdmitOptions {
  /** Replays take `available_at` from the event, or event_time + `available_lag_ms`; else it is the arrival. */
  readonly replay: boolean;
  readonly available_lag_ms: number;
  /** Larger records are rejected unread. */
  readonly max_bytes: number;
}

export interface Admitted {
  readonly ok: true;
  readonly event: CanonicalEvent;
  /** The source's clock was ahead of the arrival within the contract's limit. */
  readonly clamped: boolean;
  /** Names that no contract knows; what they hold is kept as it was written in the property `_unknown`. */
  readonly unknown_fields: readonly string[];
  readonly misrouted: boolean;
}

export interface Rejected {
  readonly ok: false;
  readonly reason: RejectionReason;
  /** Field, found type and what is allowed; never the payload. */
  readonly detail: string;
  readonly event_type?: string;
  readonly schema_version?: number;
  readonly source?: string;
}

/** A contract with what would be made anew for each record. */
interface CompiledContract {
  readonly ir: ContractIR;
  /** The incoming keys that its fields are read from. */
  readonly keys: ReadonlySet<string>;
  /** Reads times without a zone. */
  readonly local: LocalClock | undefined;
}

export type CompiledContracts = ReadonlyMap<string, ReadonlyMap<number, CompiledContract>>;

/** Members of a record that are read; others are unknown. */
export const ENVELOPE: ReadonlySet<string> = new Set([
  'event_id',
  'entity_id',
  'event_type',
  'event_time',
  'source',
  'schema_version',
  'properties',
]);
const REPLAYED: ReadonlySet<string> = new Set([...ENVELOPE, 'available_at']);
/** Code points of an event id, and of the name of a source. */
export const MAX_ID = 128;
/** Code points of an entity's id; DynamoDB's keys and Kinesis's partition keys hold as many. */
export const MAX_ENTITY = 256;
/** Index by event type and schema version; `validateUseCase` has refused a pair that is declared twice. */
export function compileContracts(contracts: readonly ContractIR[]): CompiledContracts {
  const byType = new Map<string, Map<number, CompiledContract>>();
  for (const ir of contracts) {
    const versions = byType.get(ir.event_type) ?? new Map<number, CompiledContract>();
    versions.set(ir.schema_version, {
      ir,
      keys: new Set(ir.fields.map((field) => field.from ?? field.name)),
      local: ir.time_zone && localClock(ir.time_zone),
    });
    byType.set(ir.event_type, versions);
  }
  return byType;
}

/** Never throws on input: whatever the bytes are, they come out as an event or as a rejection. */
export function admit(
  data: Uint8Array,
  position: RecordPosition,
  contracts: CompiledContracts,
  options: AdmitOptions,
): Admitted | Rejected {
  let raw: JsonObject = {};
  try {
    const text = decodeRecord(data, options.max_bytes);
    raw = parseRecord(text);
    return canonicalise(text, raw, position, contracts, options);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return { ok: false, reason: error.reason, detail: error.message, ...claimOf(raw) };
  }
}

/** What a refused record says it is, as far as tables and messages can hold it: ids, and a 32-bit integer. */
function claimOf({ event_type, schema_version, source }: JsonObject): Omit<Rejected, 'ok' | 'reason' | 'detail'> {
  return {
    ...(isId(event_type) ? { event_type } : {}),
    ...(isInt32(schema_version) ? { schema_version } : {}),
    ...(isId(source) ? { source } : {}),
  };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && isIdentifier(value, MAX_ID);
}

function isInt32(value: unknown): value is number {
  return typeof value === 'number' && value === (value | 0);
}

function canonicalise(
  text: string,
  raw: JsonObject,
  position: RecordPosition,
  contracts: CompiledContracts,
  options: AdmitOptions,
): Admitted {
  const entity_id = entityOf(raw);
  const event_id = identifier(raw.event_id, 'event_id', MAX_ID, 'MISSING_FIELD');
  const compiled = contractOf(raw, contracts);
  const contract = compiled.ir;
  const source = raw.source === undefined ? '' : identifier(raw.source, 'source', MAX_ID, 'INVALID_FIELD');
  const properties = raw.properties ?? {};
  if (typeName(properties) !== 'object') {
    throw new Rejection('INVALID_FIELD', `properties: found ${typeName(properties)}; allowed: an object`);
  }
  const times = timesOf(raw, compiled, position, options);
  const typed = normalise(compiled, properties as JsonObject);
  const envelope = options.replay ? REPLAYED : ENVELOPE;
  const unknown: string[] = [];
  for (const key of Object.keys(raw)) if (!envelope.has(key)) unknown.push(key);
  for (const key of Object.keys(properties)) if (!compiled.keys.has(key)) unknown.push(key);
  if (unknown.length > 0) typed[UNKNOWN_KEY] = unknownOf(text, envelope, compiled.keys);
  return {
    ok: true,
    event: {
      event_id,
      entity_id,
      event_type: contract.event_type,
      event_time: times.event_time,
      source_time: times.source_time,
      source,
      schema_version: contract.schema_version,
      properties: typed,
      available_at: times.available_at,
      shard_id: position.shard_id,
      sequence_number: position.sequence_number,
    },
    clamped: times.source_time !== null,
    unknown_fields: unknown,
    misrouted: position.partition_key !== entity_id,
  };
}

/** Whether an event can be about this entity; keys that start with # are the app's own. */
export function isEntityId(text: string): boolean {
  return isIdentifier(text, MAX_ENTITY) && !text.startsWith('#');
}

function entityOf(raw: JsonObject): string {
  const id = identifier(raw.entity_id, 'entity_id', MAX_ENTITY, 'MISSING_ENTITY');
  if (id.startsWith('#')) {
    throw new Rejection('INVALID_FIELD', 'entity_id: found a string that starts with #; allowed: any other string');
  }
  return id;
}

function identifier(value: unknown, field: string, max: number, missing: RejectionReason): string {
  if (value === undefined || value === null || value === '') {
    throw new Rejection(missing, `${field}: found ${typeName(value)}; allowed: a string of 1 to ${max} characters`);
  }
  if (typeof value !== 'string' || !isIdentifier(value, max)) {
    throw new Rejection(
      'INVALID_FIELD',
      `${field}: found ${typeName(value)}; allowed: a string of 1 to ${max} characters, none of them a control character`,
    );
  }
  return value;
}

function contractOf(raw: JsonObject, contracts: CompiledContracts): CompiledContract {
  const versions = typeof raw.event_type === 'string' ? contracts.get(raw.event_type) : undefined;
  if (!versions) {
    const reason = raw.event_type === undefined ? 'MISSING_FIELD' : 'UNKNOWN_EVENT_TYPE';
    const allowed = [...contracts.keys()].join(', ');
    throw new Rejection(reason, `event_type: found ${typeName(raw.event_type)}; allowed: ${allowed}`);
  }
  const contract = versions.get(raw.schema_version as number);
  if (!contract) {
    throw new Rejection(
      raw.schema_version === undefined ? 'MISSING_FIELD' : 'UNSUPPORTED_SCHEMA_VERSION',
      `schema_version: found ${typeName(raw.schema_version)}; allowed: ${[...versions.keys()].join(', ')}`,
    );
  }
  return contract;
}

interface Times {
  readonly event_time: number;
  readonly source_time: number | null;
  readonly available_at: number;
}

/** `event_time` never exceeds `available_at`: that is what makes a tile final for every later `t`. */
function timesOf(
  raw: JsonObject,
  { ir: contract, local }: CompiledContract,
  position: RecordPosition,
  options: AdmitOptions,
): Times {
  if (raw.event_time === undefined) {
    throw new Rejection('MISSING_FIELD', `event_time: found undefined; allowed: ${contract.event_time_format}`);
  }
  const parsed = parseTimestamp(raw.event_time, contract.event_time_format, local);
  if ('error' in parsed) throw new Rejection('INVALID_EVENT_TIME', `event_time: ${parsed.detail}`);
  const claimed = parsed.value;
  const { min_event_time = 0 } = contract;
  if (claimed < min_event_time) {
    throw new Rejection(
      'INVALID_EVENT_TIME',
      `event_time: found a time before the contract's min_event_time; allowed: from ${new Date(min_event_time).toISOString()} (were seconds sent for milliseconds?)`,
    );
  }
  let available_at = position.arrival_ms;
  if (options.replay) {
    const given = raw.available_at;
    const format = typeof given === 'number' ? 'epoch_ms' : 'iso8601';
    const available =
      given === undefined ? { value: claimed + options.available_lag_ms } : parseTimestamp(given, format, local);
    if ('error' in available) throw new Rejection('INVALID_EVENT_TIME', `available_at: ${available.detail}`);
    available_at = available.value;
    if (available_at > MAX_TIME) {
      throw new Rejection('INVALID_EVENT_TIME', 'available_at: found a time out of range; allowed: 1970 to 9999');
    }
  }
  const ahead = claimed - available_at;
  if (ahead <= 0) return { event_time: claimed, source_time: null, available_at };
  if (ahead <= contract.max_future_ms) return { event_time: available_at, source_time: claimed, available_at };
  throw new Rejection(
    'EVENT_TIME_IN_FUTURE',
    `event_time: found a time ${ahead} ms after the arrival; allowed: up to ${contract.max_future_ms} ms`,
  );
}

/** Exactly the columns of the contract: what it does not know can be no feature's input, now or after a later release. */
function normalise({ ir, local }: CompiledContract, raw: JsonObject): Record<string, Scalar> {
  const out: Record<string, Scalar> = {};
  for (const field of ir.fields) {
    const value = raw[field.from ?? field.name];
    // Every object has a `toString`; no JSON has a function.
    out[field.name] = fieldValue(field, typeof value === 'function' ? undefined : value, local);
  }
  for (const column of ir.derived) {
    const value = evaluate(column.expr, (name) => out[name] ?? null);
    if (value !== null && !Number.isSafeInteger(value)) {
      throw new Rejection(
        'DECIMAL_OVERFLOW',
        `properties.${column.name}: found no exact integer; allowed: within 2^53`,
      );
    }
    out[column.name] = value === null ? null : inRange(column, value);
  }
  return out;
}
