/**
 * A source's map, compiled: items of an envelope → canonical events as their producers would have sent them. It re-shapes and
 * never judges: what a contract says is decided where the event is admitted. The same rules stand in
 * tidemark_spark/engine/intake; test/conformance/intake holds both to them.
 */
import { MAX_ID } from '../admission/admit.ts';
import { fieldValue } from '../admission/field-value.ts';
import type {
  ContractIR,
  FieldIR,
  ItemConditionIR,
  MappedPropertyIR,
  MapRuleIR,
  Scalar,
  SelectorIR,
} from '../ir/document.ts';
import { typeName } from '../ir/errors.ts';
import { Rejection } from '../ir/rejection.ts';
import type { Parsed } from '../values/decimal.ts';
import { sha256 } from '../values/hash.ts';
import { type LocalClock, parseTimestamp, TIMESTAMP_FORMATS, type TimestampFormat } from '../values/time.ts';
import { timeReader } from '../values/time-pattern.ts';
import { localClock } from '../values/time-zone.ts';
import type { Item } from './envelope.ts';
import { identifierText } from './identifier-text.ts';
import { boolOf, shifted, writtenAs } from './mapped-values.ts';
import { pointerOf } from './pointer.ts';

/** An event before it is admitted: what a producer of canonical events would send. */
export interface MappedEvent {
  readonly event_id: string;
  readonly entity_id: string;
  readonly event_type: string;
  readonly event_time: unknown;
  readonly source: string;
  readonly schema_version: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

export type Select = (body: unknown) => unknown;
type Rule = (item: Item) => MappedEvent | null;

/**
 * @returns the event of the first rule whose conditions hold, null where none's do; that throws a Rejection where the rule
 * can't make an event of it
 */
export function compileMap(source: string, rules: readonly MapRuleIR[], contracts: readonly ContractIR[]): Rule {
  const compiled = rules.map((rule) => compileRule(source, rule, contractOf(rule, contracts)));
  return (item) => {
    for (const rule of compiled) {
      const event = rule(item);
      if (event !== null) return event;
    }
    return null;
  };
}

/** Whether all conditions hold of a body. */
export function compileConditions(conditions: readonly ItemConditionIR[]): (body: unknown) => boolean {
  const compiled = conditions.map(compileCondition);
  return (body) => compiled.every((holds) => holds(body));
}

/** The first that is neither missing nor null, as an id; null where there is none. */
export function compileEntity(selectors: readonly SelectorIR[]): (body: unknown) => string | null {
  const select = compileSelectors(selectors);
  return (body) => identifierText(select(body));
}

/** `<source>:<id>`; where that is longer than an id may be, the hash of the id stands for it. */
function eventIdOf(source: string, id: string): string {
  const whole = `${source}:${id}`;
  return [...whole].length <= MAX_ID ? whole : `${source}:${sha256(id)}`;
}

/** The contract of the event that a rule makes. */
export function contractOf(rule: MapRuleIR, contracts: readonly ContractIR[]): ContractIR {
  // The document was checked: it is there.
  return contracts.find(
    ({ event_type, schema_version }) => event_type === rule.event_type && schema_version === rule.schema_version,
  )!;
}

/** The first that is neither missing nor null; undefined where there is none. */
export function compileSelectors(selectors: readonly SelectorIR[]): Select {
  const each = selectors.map((one): Select => ('at' in one ? pointerOf(one.at) : () => one.const));
  if (each.length === 1) return each[0]!;
  return (body) => {
    for (const select of each) {
      const value = select(body);
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  };
}

function compileCondition(condition: ItemConditionIR): (body: unknown) => boolean {
  const select = pointerOf(condition.at);
  switch (condition.op) {
    case 'eq':
      return (body) => select(body) === condition.value;
    case 'ne':
      // As everywhere here: what is not there never matches, not even `ne`.
      return (body) => isThere(select(body)) && select(body) !== condition.value;
    case 'in':
      return (body) => condition.value.includes(select(body) as Scalar);
    case 'starts':
      return (body) => {
        const value = select(body);
        return typeof value === 'string' && value.startsWith(condition.value);
      };
    case 'exists':
      return (body) => isThere(select(body));
    case 'missing':
      return (body) => !isThere(select(body));
  }
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null;

function compileRule(source: string, rule: MapRuleIR, contract: ContractIR): Rule {
  const holds = compileConditions(rule.when);
  const entity = compileSelectors(rule.entity);
  const id = rule.id?.map((one) => compileSelectors([one]));
  const time = compileTime(rule.time, contract.event_time_format);
  const properties = rule.properties.map((one) => [one.name, compileProperty(one, contract)] as const);
  const rest = rule.rest === undefined ? null : pointerOf(rule.rest);
  return (item) => {
    const { body } = item;
    if (!holds(body)) return null;
    return {
      event_id: eventIdOf(source, id ? joined(id, body) : named(item.id)),
      entity_id: entityOf(entity(body)),
      event_type: rule.event_type,
      event_time: time(body),
      source,
      schema_version: rule.schema_version,
      properties: propertiesOf(body, properties, rest),
    };
  };
}

function named(id: string | null): string {
  if (id !== null) return id;
  throw new Rejection(
    'MISSING_FIELD',
    'id: found none in the item; allowed: an id of the provider, or a map that makes one',
  );
}

function joined(parts: readonly Select[], body: unknown): string {
  return parts
    .map((select) => {
      const value = select(body);
      const text = identifierText(value);
      if (text !== null) return text;
      throw new Rejection(
        'MISSING_FIELD',
        `id: found ${typeName(value)}; allowed: a text, or a whole number within 2^53`,
      );
    })
    .join(':');
}

function entityOf(value: unknown): string {
  const text = identifierText(value);
  if (text !== null) return text;
  throw new Rejection(
    'MISSING_ENTITY',
    `entity: found ${typeName(value)}; allowed: a text, or a whole number within 2^53`,
  );
}

const isFormat = (text: string): text is TimestampFormat => (TIMESTAMP_FORMATS as readonly string[]).includes(text);

function byPattern(pattern: string, local: LocalClock): (raw: unknown) => Parsed {
  const read = timeReader(pattern)!;
  return (raw) => read(raw, local);
}

/** @returns what throws a Rejection for anything else */
export function compileTime(time: MapRuleIR['time'], written: TimestampFormat): Select {
  const select = compileSelectors(time.from);
  const local: LocalClock | undefined = time.time_zone && localClock(time.time_zone);
  const { format } = time;
  // The document was checked: what is no format is a pattern, and has a zone.
  const read = isFormat(format) ? (raw: unknown) => parseTimestamp(raw, format, local) : byPattern(format, local!);
  return (body) => {
    const parsed = read(select(body));
    if ('error' in parsed) throw new Rejection('INVALID_EVENT_TIME', `time: ${parsed.detail}`);
    return writtenAs(written, parsed.value);
  };
}

function propertiesOf(
  body: unknown,
  mapped: readonly (readonly [string, Select])[],
  rest: Select | null,
): Record<string, unknown> {
  const others = rest?.(body);
  const properties: Record<string, unknown> = typeName(others) === 'object' ? { ...(others as object) } : {};
  for (const [name, select] of mapped) {
    const value = select(body);
    if (value !== undefined && value !== null) properties[name] = value;
    else delete properties[name];
  }
  return properties;
}

/** @returns what throws a Rejection for what its options can't read */
export function compileProperty(property: MappedPropertyIR, contract: ContractIR): Select {
  const select = compileSelectors(property.from);
  const { as, shift = 0, name } = property;
  const moved: Select = shift === 0 ? select : (body) => shifted(select(body), shift, name);
  if (!as) return moved;
  // Whether it has to be there is the contract's to say.
  const field: FieldIR = { ...as, name, required: false };
  const target = contract.fields.find((one) => (one.from ?? one.name) === name);
  const local = contract.time_zone && localClock(contract.time_zone);
  return (body) => {
    const value = fieldValue(field, field.type === 'bool' ? boolOf(moved(body)) : moved(body), local);
    return value === null ? null : writtenAs(formatOf(field, target), value);
  };
}

/** How the contract's field reads a value of this type. */
function formatOf(field: FieldIR, target: FieldIR | undefined): TimestampFormat | number | null {
  if (field.type === 'decimal') return field.scale;
  if (field.type !== 'timestamp') return null;
  return target?.type === 'timestamp' ? target.format : 'epoch_ms';
}
