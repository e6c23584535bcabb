/**
 * How a record differs from its contract, or from what a source's map looks for, as names and types: what a producer changed,
 * field by field. Never a value: what a name looks like is checked too, because some producers write ids where names belong.
 */
import type { FieldIR } from '../ir/document.ts';
import { typeName } from '../ir/errors.ts';
import { Rejection, type RejectionReason } from '../ir/rejection.ts';
import { type CompiledContracts, ENVELOPE } from './admit.ts';
import { fieldValue } from './field-value.ts';
import { type JsonObject, UNKNOWN_KEY } from './record.ts';
import type { RecordPart } from './record-parts.ts';

export const DRIFT_KINDS = [
  /** A field that the contract does not know; it is kept and no feature reads it. */
  'unknown_field',
  /** A required field that is missing or null, or an optional one that stopped. */
  'lost_field',
  /** A value that can't be read as the field's type. */
  'changed_type',
  /** A text that is none of an enum's values. */
  'grown_enum',
  'unknown_event_type',
  'unknown_schema_version',
  /** What a source sends, and no rule of its map asks for. */
  'unknown_item',
  /** A version that a source names for what it sends, and had not named before. */
  'new_api_version',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** One difference between a record and its contract. All texts are names and types. */
export interface Drift {
  readonly kind: DriftKind;
  /** As the record says it, `OTHER` where that is no name; empty: it says none. */
  readonly source: string;
  /** As `source`; of `unknown_item` and `new_api_version` what the source calls it. */
  readonly event_type: string;
  /** Null: the record says none, or no integer. */
  readonly schema_version: number | null;
  /**
   * `properties.<key>` or a member of the record, by the key that the producer writes; of what a map refused the JSON pointer
   * where it looks. Null: the record as a whole.
   */
  readonly field: string | null;
  /**
   * JSON type: `string`, `number`, `boolean`, `object`, `array`, `null`, or `undefined` for what is missing. Of a
   * `new_api_version` that version, `OTHER` where it does not look like one.
   */
  readonly found: string;
  /** A field's type as its contract or map has it, the former version of an API; null where there is none. */
  readonly allowed: string | null;
}

/** In place of what is no name. */
export const OTHER = 'other';

const NAME = /^[A-Za-z_$][\w$.-]{0,63}$/;
/** An id in place of a name: digits in a row, or what a random number looks like in hexadecimal. */
const ID = /\d{5}|[\da-f]{12}/i;

/** A name that may be shown and counted by: of a field, a type or a source. */
export function shownName(name: string): string {
  return NAME.test(name) && !ID.test(name) ? name : OTHER;
}

/** What a source calls a fact, as one name: of a table and its operation both, with a dot between. */
export function shownKind(kind: string): string {
  const words = kind.split(' ');
  return words.length > 2 ? OTHER : words.map(shownName).join('.');
}

const VERSION = /^v?\d{1,4}([.-]\d{1,4}){0,3}([.-][a-z]{1,16})?$/;

/** A version of an API that looks like one: a date, numbers with dots, and a word behind. */
export function shownVersion(version: string): string {
  return VERSION.test(version) ? version : OTHER;
}

/** Reasons by which a record was read as JSON, and something of it is not as a contract says. */
const READ: ReadonlySet<RejectionReason> = new Set([
  'MISSING_FIELD',
  'INVALID_FIELD',
  'UNKNOWN_EVENT_TYPE',
  'UNSUPPORTED_SCHEMA_VERSION',
  'MISSING_ENTITY',
  'INVALID_EVENT_TIME',
  'EVENT_TIME_IN_FUTURE',
  'OUT_OF_RANGE',
  'NOT_IN_ENUM',
  'DECIMAL_OVERFLOW',
]);
const NONE: readonly Drift[] = [];
/** Of what is left of a record, all but this is a member that nobody knows, and all that is in it. */
const LEFT: ReadonlySet<string> = new Set(['properties']);
const NO_KEYS: ReadonlySet<string> = new Set();
const decoder = new TextDecoder();

/**
 * All differences of one record, of a refused one more than the one that it was refused for. What one record can't show is
 * an optional field that stopped: that takes the records before (engine/ingest/optional-fields.ts).
 *
 * @param part as `admitRecord` gave it, by the same contracts
 */
export function driftOf(
  { data, result }: Omit<RecordPart, 'position'>,
  contracts: CompiledContracts,
): readonly Drift[] {
  if (!result.ok) {
    if (!READ.has(result.reason)) return NONE;
    return ofRecord(JSON.parse(decoder.decode(data)) as JsonObject, contracts);
  }
  if (result.unknown_fields.length === 0) return NONE;
  const { properties, ...claim } = result.event;
  const unknown = JSON.parse(properties[UNKNOWN_KEY] as string) as JsonObject;
  return unknownFields(about(claim), unknown, LEFT, NO_KEYS);
}

type About = Pick<Drift, 'source' | 'event_type' | 'schema_version'>;

function about({ source, event_type, schema_version }: JsonObject): About {
  return {
    source: typeof source === 'string' && source !== '' ? shownName(source) : '',
    event_type: typeof event_type === 'string' ? shownName(event_type) : '',
    schema_version: Number.isSafeInteger(schema_version) ? (schema_version as number) : null,
  };
}

function ofRecord(raw: JsonObject, contracts: CompiledContracts): Drift[] {
  const of = about(raw);
  const whole = (kind: DriftKind, found: unknown): Drift[] => [
    ...envelope(of, raw),
    { ...of, kind, field: null, found: typeName(found), allowed: null },
  ];
  const { event_type, schema_version } = raw;
  if (event_type === undefined || schema_version === undefined) return envelope(of, raw);
  const versions = typeof event_type === 'string' ? contracts.get(event_type) : undefined;
  if (!versions) return whole('unknown_event_type', event_type);
  const contract = versions.get(schema_version as number);
  if (!contract) return whole('unknown_schema_version', schema_version);
  const found = envelope(of, raw, contract.ir.event_time_format === 'iso8601' ? ['string'] : TIME);
  const properties = raw.properties ?? {};
  if (typeName(properties) !== 'object') return found;
  for (const field of contract.ir.fields) {
    const key = field.from ?? field.name;
    const value = Object.hasOwn(properties as JsonObject, key) ? (properties as JsonObject)[key] : undefined;
    const kind = kindOf(field, value, () => fieldValue(field, value, contract.local));
    if (kind)
      found.push({ ...of, kind, field: `properties.${shownName(key)}`, found: typeName(value), allowed: field.type });
  }
  return [...found, ...unknownFields(of, raw, ENVELOPE, contract.keys)];
}

/** Of an `event_time` as far as nothing is known of its contract. */
const TIME: readonly string[] = ['string', 'number'];
/** Types of the members of a record. */
const MEMBERS: ReadonlyArray<readonly [name: string, types: readonly string[], required: boolean]> = [
  ['event_id', ['string'], true],
  ['entity_id', ['string'], true],
  ['event_type', ['string'], true],
  ['event_time', TIME, true],
  ['schema_version', ['number'], true],
  ['source', ['string'], false],
  ['properties', ['object'], false],
];

function envelope(of: About, raw: JsonObject, time: readonly string[] = TIME): Drift[] {
  return MEMBERS.flatMap(([field, any, required]): Drift[] => {
    const types = any === TIME ? time : any;
    const found = typeName(raw[field]);
    if (types.includes(found)) return [];
    const gone = found === 'undefined' || found === 'null';
    if (gone && !required) return [];
    return [{ ...of, kind: gone ? 'lost_field' : 'changed_type', field, found, allowed: types.join(' or ') }];
  });
}

function unknownFields(of: About, raw: JsonObject, members: ReadonlySet<string>, keys: ReadonlySet<string>): Drift[] {
  const unknown = (name: string, value: unknown, within = ''): Drift => ({
    ...of,
    kind: 'unknown_field',
    field: `${within}${shownName(name)}`,
    found: typeName(value),
    allowed: null,
  });
  const { properties } = raw;
  const inside = typeName(properties) === 'object' ? Object.entries(properties as JsonObject) : [];
  return [
    ...Object.entries(raw).flatMap(([name, value]) => (members.has(name) ? [] : [unknown(name, value)])),
    ...inside.flatMap(([name, value]) => (keys.has(name) ? [] : [unknown(name, value, 'properties.')])),
  ];
}

/**
 * How a value differs from its field.
 * @param read reads it, and throws a Rejection where it can't
 * @returns null where the value is read, or only its size, its range or its precision is wrong
 */
export function kindOf(field: FieldIR, value: unknown, read: () => unknown): DriftKind | null {
  try {
    read();
    return null;
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    if (error.reason === 'MISSING_FIELD') return 'lost_field';
    if (error.reason === 'NOT_IN_ENUM') return 'grown_enum';
    if (error.reason !== 'INVALID_FIELD') return null;
    // A text that is too long is one still, and so is a number that is no time between 1970 and 9999.
    const textual = field.type === 'string' || field.type === 'enum';
    const numeric = field.type === 'timestamp' && field.format !== 'iso8601';
    return (textual && typeof value === 'string') || (numeric && typeof value === 'number') ? null : 'changed_type';
  }
}
