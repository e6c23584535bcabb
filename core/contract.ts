/**
 * The front door: bytes of one stream record → a canonical event, or a rejection with its reason.
 * Rules run in this order: rename → trim/case → parse → default → range/enum → derived columns.
 */
import { MAX_EXACT, parseDecimal } from './decimal.ts';
import { typeName } from './errors.ts';
import { evaluate } from './expr.ts';
import type { CanonicalEvent, ContractIR, DerivedColumnIR, FieldIR, Scalar } from './ir.ts';
import type { RejectionReason } from './rejection.ts';
import { parseTimestamp } from './time.ts';

/** Where and when a record arrived. `arrival_ms`: the stream's own arrival time, ms UTC. */
export interface RecordPosition {
  readonly shard_id: string;
  readonly sequence_number: string;
  readonly arrival_ms: number;
  readonly partition_key: string;
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
  /** Names that no contract knows; their values are kept in `properties`. */
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
}

/** A contract with what would be made anew for each record. */
interface CompiledContract {
  readonly ir: ContractIR;
  /** The incoming keys that its fields are read from. */
  readonly keys: ReadonlySet<string>;
}

export type CompiledContracts = ReadonlyMap<string, ReadonlyMap<number, CompiledContract>>;
type JsonObject = Readonly<Record<string, unknown>>;

const ENVELOPE: ReadonlySet<string> = new Set([
  'event_id',
  'entity_id',
  'event_type',
  'event_time',
  'source',
  'schema_version',
  'properties',
]);
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
const MAX_ID = 128;
const MAX_ENTITY = 256;
/** Fatal: a byte that is no UTF-8 is an error, never U+FFFD. A byte order mark is no JSON either. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Rejection extends Error {
  readonly reason: RejectionReason;

  constructor(reason: RejectionReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Index by event type and schema version; `validateUseCase` has refused a pair that is declared twice. */
export function compileContracts(contracts: readonly ContractIR[]): CompiledContracts {
  const byType = new Map<string, Map<number, CompiledContract>>();
  for (const ir of contracts) {
    const versions = byType.get(ir.event_type) ?? new Map<number, CompiledContract>();
    versions.set(ir.schema_version, { ir, keys: new Set(ir.fields.map((field) => field.from ?? field.name)) });
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
    raw = parseRecord(data, options.max_bytes);
    return canonicalise(raw, position, contracts, options);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return {
      ok: false,
      reason: error.reason,
      detail: error.message,
      ...(typeof raw.event_type === 'string' && raw.event_type.length <= MAX_ID ? { event_type: raw.event_type } : {}),
      ...(Number.isSafeInteger(raw.schema_version) ? { schema_version: raw.schema_version as number } : {}),
    };
  }
}

function parseRecord(data: Uint8Array, maxBytes: number): JsonObject {
  if (data.byteLength > maxBytes) {
    throw new Rejection('OVERSIZE', `record: found ${data.byteLength} bytes; allowed: up to ${maxBytes}`);
  }
  let text: string;
  try {
    text = decoder.decode(data);
  } catch {
    throw new Rejection('INVALID_UTF8', 'record: found bytes that are no UTF-8; allowed: JSON in UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Rejection('MALFORMED_JSON', 'record: found text that is no JSON; allowed: one JSON object');
  }
  if (typeName(value) !== 'object') {
    throw new Rejection('NOT_AN_OBJECT', `record: found ${typeName(value)}; allowed: one JSON object`);
  }
  refuseForbiddenKeys(text, value);
  return value as JsonObject;
}

/** Walks the document only where its text could hold such a key (an escape could hide one). */
function refuseForbiddenKeys(text: string, root: unknown): void {
  if (!/__proto__|constructor|prototype|\\u/.test(text)) return;
  const open: unknown[] = [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === null || typeof next !== 'object') continue;
    for (const key of Object.keys(next)) {
      if (FORBIDDEN.has(key)) {
        throw new Rejection('FORBIDDEN_KEY', 'record: found a key that names a prototype; allowed: any other key');
      }
    }
    // A null in an array would end the walk early.
    for (const child of Object.values(next)) if (child !== null && typeof child === 'object') open.push(child);
  }
}

function canonicalise(
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
  const times = timesOf(raw, contract, position, options);
  const unknown: string[] = [];
  for (const key of Object.keys(raw)) {
    if (!ENVELOPE.has(key) && !(options.replay && key === 'available_at')) unknown.push(key);
  }
  const typed = normalise(compiled, properties as JsonObject, unknown);
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
  if (typeof value !== 'string' || (value.length > max && [...value].length > max) || !value.isWellFormed()) {
    throw new Rejection(
      'INVALID_FIELD',
      `${field}: found ${typeName(value)}; allowed: a string of 1 to ${max} characters`,
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
function timesOf(raw: JsonObject, contract: ContractIR, position: RecordPosition, options: AdmitOptions): Times {
  if (raw.event_time === undefined) {
    throw new Rejection('MISSING_FIELD', `event_time: found undefined; allowed: ${contract.event_time_format}`);
  }
  const parsed = parseTimestamp(raw.event_time, contract.event_time_format);
  if ('error' in parsed) throw new Rejection('INVALID_EVENT_TIME', `event_time: ${parsed.detail}`);
  const claimed = parsed.value;
  let available_at = position.arrival_ms;
  if (options.replay) {
    const given = raw.available_at;
    const format = typeof given === 'number' ? 'epoch_ms' : 'iso8601';
    const available =
      given === undefined ? { value: claimed + options.available_lag_ms } : parseTimestamp(given, format);
    if ('error' in available) throw new Rejection('INVALID_EVENT_TIME', `available_at: ${available.detail}`);
    available_at = available.value;
  }
  const ahead = claimed - available_at;
  if (ahead <= 0) return { event_time: claimed, source_time: null, available_at };
  if (ahead <= contract.max_future_ms) return { event_time: available_at, source_time: claimed, available_at };
  throw new Rejection(
    'EVENT_TIME_IN_FUTURE',
    `event_time: found a time ${ahead} ms after the arrival; allowed: up to ${contract.max_future_ms} ms`,
  );
}

function normalise({ ir, keys }: CompiledContract, raw: JsonObject, unknown: string[]): Record<string, Scalar> {
  const out: Record<string, Scalar> = {};
  for (const field of ir.fields) out[field.name] = fieldValue(field, raw[field.from ?? field.name]);
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
  for (const key of Object.keys(raw)) {
    if (keys.has(key)) continue;
    unknown.push(key);
    // A contract's own column is never overwritten by an unknown key of the same name.
    if (!Object.hasOwn(out, key)) out[key] = keptValue(key, raw[key]);
  }
  return out;
}

/** Unknown fields are kept as they are; what is nested, as JSON text. */
function keptValue(key: string, value: unknown): Scalar {
  if (value === null || typeof value !== 'object') return value as Scalar;
  try {
    return JSON.stringify(value);
  } catch (error) {
    // V8 parses what it can't write again: some thousand levels end the stack.
    if (!(error instanceof RangeError)) throw error;
    throw new Rejection('INVALID_FIELD', `properties.${key}: found too deep a nesting; allowed: some hundred levels`);
  }
}

function fieldValue(field: FieldIR, raw: unknown): Scalar {
  if (raw === undefined || raw === null) {
    if (field.required) {
      throw new Rejection('MISSING_FIELD', `properties.${field.name}: found ${typeName(raw)}; allowed: ${field.type}`);
    }
    return field.default ?? null;
  }
  switch (field.type) {
    case 'string':
    case 'enum':
      return textValue(field, raw);
    case 'bool':
      if (typeof raw !== 'boolean') throw invalid(field, raw, 'true or false');
      return raw;
    case 'timestamp':
      return unwrap(field, parseTimestamp(raw, field.format));
    case 'decimal':
      return inRange(field, unwrap(field, parseDecimal(raw, field.scale)));
    case 'int':
      return inRange(field, intValue(field, raw));
  }
}

/** A safe integer as a JSON number, or digits as text (webhooks send numbers as strings). */
function intValue(field: FieldIR, raw: unknown): number {
  const value = typeof raw === 'string' && /^-?\d{1,16}$/.test(raw) ? Number(raw) : raw;
  if (!Number.isSafeInteger(value)) throw invalid(field, raw, 'an integer within 2^53');
  return (value as number) + 0; // -0 + 0 is 0
}

/** Trim and case are ASCII only: the one definition on which all languages agree. */
function textValue(field: Extract<FieldIR, { type: 'string' | 'enum' }>, raw: unknown): string {
  if (typeof raw !== 'string' || !raw.isWellFormed()) throw invalid(field, raw, 'a well-formed string');
  let text = field.trim && isPadded(raw) ? raw.replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, '') : raw;
  if (field.case === 'lower') text = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (field.case === 'upper') text = text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  if (field.type === 'enum') {
    if (!field.values.includes(text)) {
      throw new Rejection(
        'NOT_IN_ENUM',
        `properties.${field.name}: found another string; allowed: ${field.values.join(', ')}`,
      );
    }
  } else if (text.length > field.max_length && [...text].length > field.max_length) {
    throw invalid(field, raw, `up to ${field.max_length} characters`);
  }
  return text;
}

/** Whether a text begins or ends with ASCII white space or a control character: the only ones worth trimming. */
function isPadded(text: string): boolean {
  return text.charCodeAt(0) <= 0x20 || text.charCodeAt(text.length - 1) <= 0x20;
}

function inRange(field: Pick<DerivedColumnIR, 'name' | 'min' | 'max'>, value: number): number {
  const { min = -MAX_EXACT, max = MAX_EXACT } = field;
  if (value < min || value > max) {
    throw new Rejection('OUT_OF_RANGE', `properties.${field.name}: found a number outside; allowed: ${min} to ${max}`);
  }
  return value;
}

function unwrap(field: FieldIR, parsed: ReturnType<typeof parseDecimal>): number {
  if ('error' in parsed) throw new Rejection(parsed.error, `properties.${field.name}: ${parsed.detail}`);
  return parsed.value;
}

function invalid(field: FieldIR, raw: unknown, allowed: string): Rejection {
  return new Rejection('INVALID_FIELD', `properties.${field.name}: found ${typeName(raw)}; allowed: ${allowed}`);
}
