/** What each definition function takes. A part that other parts are made of is looked at before it is taken apart. */
import type { OptionName } from '../aggregates/aggregation.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { isSeries } from './feature.ts';
import { isObject, type Members, requireKind, requireMembers } from './spec.ts';
import { COLUMN, EXPRESSION } from './symbols.ts';

const CONTRACT: Members = {
  eventTime: 'text?',
  maxFuture: 'text?',
  minEventTime: 'text?',
  timeZone: 'text?',
  fields: 'object',
  derived: 'function?',
  retracts: 'function?',
};

const DERIVED: Members = { expr: 'expression', min: 'number?', max: 'number?' };

/** @throws DefinitionError */
export function checkContract(eventType: unknown, schemaVersion: unknown, spec: unknown): void {
  if (typeof eventType !== 'string' || typeof schemaVersion !== 'number' || !isObject(spec)) {
    const given = [eventType, schemaVersion, spec].map(shown).join(', ');
    throw new DefinitionError(
      'contract',
      `(${given})`,
      "contract('order', 1, { fields: { … } }): type, version, the rest",
    );
  }
  const at = `contracts.${eventType}`;
  requireMembers(spec, CONTRACT, at);
  for (const [name, field] of Object.entries(spec.fields as object)) {
    if (!isObject(field) || typeof field.type !== 'string')
      throw new DefinitionError(`${at}.fields.${name}`, shown(field), 'a field such as field.string()');
  }
}

/** @param at of the contract. @throws DefinitionError */
export function checkDerivedColumns(derived: unknown, at: string): void {
  requireKind(derived, 'object', `${at}.derived`);
  for (const [name, column] of Object.entries(derived as object)) {
    requireKind(column, 'object', `${at}.derived.${name}`);
    // With bounds, or the expression alone.
    if (!Object.hasOwn(column, EXPRESSION)) requireMembers(column, DERIVED, `${at}.derived.${name}`);
  }
}

/** @param eventType of the contract that retracts. @throws DefinitionError */
export function checkRetracts(retracts: unknown, eventType: string): void {
  const at = `contracts.${eventType}.retracts`;
  requireMembers(retracts, { of: 'contract', id: 'column' }, at);
  const { event_type } = (retracts as { id: { [COLUMN]: { event_type: string } } }).id[COLUMN];
  if (event_type !== eventType)
    throw new DefinitionError(`${at}.id`, `a column of ${event_type}`, `columns of ${eventType}`);
}

const FIELD: Members = { from: 'text?', required: 'boolean?', default: 'scalar?' };
const TEXT: Members = { ...FIELD, trim: 'boolean?', case: 'text?' };
const RANGE: Members = { ...FIELD, min: 'number?', max: 'number?' };
const OPTIONS = {
  string: { ...TEXT, maxLength: 'number?' },
  enum: TEXT,
  int: RANGE,
  decimal: RANGE,
  bool: FIELD,
  timestamp: FIELD,
} as const satisfies Record<string, Members>;

/** @param first what the type takes before its options, if it does @throws DefinitionError */
export function checkField(type: keyof typeof OPTIONS, options: unknown, first?: unknown): void {
  const at = `field.${type}`;
  if (type === 'enum') requireKind(first, 'texts', `${at}.values`);
  if (type === 'decimal') requireKind(first, 'number', `${at}.scale`);
  if (type === 'timestamp') requireKind(first, 'text', `${at}.format`);
  requireMembers(options, OPTIONS[type], at);
}

const AGGREGATE: Members = { where: 'where?', window: 'text', description: 'text?' };

const OPTION: Readonly<Record<OptionName, Members[string]>> = {
  cap: 'number?',
  k: 'number',
  q: 'number',
  error: 'number',
};

/**
 * @param options that the aggregation takes, and no other. @param values whether it is of a column, not of whole events.
 * @param name the feature's @throws DefinitionError
 */
export function checkAggregate(options: readonly OptionName[], values: boolean, name: string, spec: unknown): void {
  const own = Object.fromEntries(options.map((option) => [option, OPTION[option]]));
  requireMembers(spec, { of: values ? 'column' : 'events', ...AGGREGATE, ...own }, `features.${name}`);
}

const VIEW: Members = {
  entity: 'text',
  dedupe: 'object?',
  retractions: 'object?',
  retention: 'text?',
  features: 'object',
};

/** @throws DefinitionError */
export function checkView(name: string, view: unknown): void {
  const at = `views.${name}`;
  requireMembers(view, VIEW, at);
  const { features, dedupe, retractions } = view as Record<string, unknown>;
  for (const [name, one] of Object.entries(features as object))
    if (!isSeries(one)) requireKind(one, 'feature', `features.${name}`);
  for (const [part, said] of Object.entries({ dedupe, retractions })) {
    if (said !== undefined) requireMembers(said, { horizon: 'text', cap: 'number' }, `${at}.${part}`);
  }
}

const USE_CASE: Members = {
  name: 'text',
  entity: 'text',
  contracts: 'list',
  views: 'object',
  label: 'label?',
  model: 'object?',
  alerts: 'object?',
  experiments: 'list?',
  sources: 'list?',
  availableLag: 'text?',
};

/** The parts themselves are looked at where they are compiled. @throws DefinitionError */
export function checkUseCase(spec: unknown): void {
  requireMembers(spec, USE_CASE, '');
  const { contracts, sources = [] } = spec as Readonly<Record<'contracts' | 'sources', readonly unknown[]>>;
  for (const [i, contract] of contracts.entries()) requireKind(contract, 'contract', `contracts.${i}`);
  for (const [i, source] of sources.entries()) requireKind(source, 'source', `sources.${i}`);
}

const SOURCE: Members = {
  envelope: 'text',
  options: 'object?',
  via: 'list',
  map: 'list?',
  mapWith: 'text?',
  erase: 'list?',
};
const RULE: Members = {
  when: 'any?',
  event: 'contract',
  entity: 'any',
  id: 'any?',
  time: 'object',
  properties: 'object?',
  rest: 'text?',
};

/** @throws DefinitionError */
export function checkSource(name: unknown, spec: unknown): void {
  requireKind(name, 'text', 'source');
  const at = `sources.${name}`;
  requireMembers(spec, SOURCE, at);
  const { map = [], erase = [], via } = spec as Readonly<Record<'map' | 'erase' | 'via', readonly unknown[]>>;
  for (const [i, rule] of map.entries()) {
    requireMembers(rule, RULE, `${at}.map.${i}`);
    requireMembers(
      (rule as { time: unknown }).time,
      { from: 'any', format: 'text', timeZone: 'text?' },
      `${at}.map.${i}.time`,
    );
  }
  for (const [i, rule] of erase.entries()) requireMembers(rule, { when: 'any', entity: 'any' }, `${at}.erase.${i}`);
  for (const [i, way] of via.entries()) requireKind(way, 'object', `${at}.via.${i}`);
}
