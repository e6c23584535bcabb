/** What each definition function takes. A part that other parts are made of is looked at before it is taken apart. */
import type { OptionName } from '../aggregates/aggregation.ts';
import type { FeatureIR } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { isObject, type Members, requireKind, requireMembers } from './spec.ts';

const CONTRACT: Members = {
  event_time: 'text?',
  max_future: 'text?',
  min_event_time: 'text?',
  time_zone: 'text?',
  fields: 'object',
  derived: 'object?',
  retracts: 'object?',
};

const DERIVED: Members = { expr: 'object', min: 'number?', max: 'number?' };

/** @throws DefinitionError */
export function checkContract(event_type: unknown, schema_version: unknown, spec: unknown): void {
  if (typeof event_type !== 'string' || typeof schema_version !== 'number' || !isObject(spec)) {
    const given = [event_type, schema_version, spec].map(shown).join(', ');
    throw new DefinitionError(
      'contract',
      `(${given})`,
      "contract('order', 1, { fields: { … } }): type, version, the rest",
    );
  }
  const at = `contracts.${event_type}`;
  requireMembers(spec, CONTRACT, at);
  for (const [name, field] of Object.entries(spec.fields as object)) {
    if (!isObject(field) || typeof field.type !== 'string')
      throw new DefinitionError(`${at}.fields.${name}`, shown(field), 'a field such as field.string()');
  }
  for (const [name, column] of Object.entries(spec.derived ?? {})) {
    requireKind(column, 'object', `${at}.derived.${name}`);
    // With bounds, or the expression alone.
    if (!Object.hasOwn(column, 'op')) requireMembers(column, DERIVED, `${at}.derived.${name}`);
  }
  if (spec.retracts !== undefined) requireMembers(spec.retracts, { of: 'contract', id: 'text' }, `${at}.retracts`);
}

const FIELD: Members = { from: 'text?', required: 'boolean?', default: 'scalar?' };
const TEXT: Members = { ...FIELD, trim: 'boolean?', case: 'text?' };
const RANGE: Members = { ...FIELD, min: 'number?', max: 'number?' };
const OPTIONS = {
  string: { ...TEXT, max_length: 'number?' },
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

const AGGREGATE: Members = {
  of: 'contract',
  field: 'text?',
  where: 'object?',
  window: 'text',
  series: 'number?',
  description: 'text?',
};

const OPTION: Readonly<Record<OptionName, Members[string]>> = {
  cap: 'number?',
  k: 'number',
  q: 'number',
  error: 'number',
};

/** @param options that the aggregation takes, and no other. @param name the feature's @throws DefinitionError */
export function checkAggregate(options: readonly OptionName[], name: string, spec: unknown): void {
  const own = Object.fromEntries(options.map((option) => [option, OPTION[option]]));
  requireMembers(spec, { ...AGGREGATE, ...own }, `features.${name}`);
}

/** What a declaration made: `orders: count`, which nobody called, makes none. @throws DefinitionError */
export function checkedFeatures(name: string, made: readonly FeatureIR[]): readonly FeatureIR[] {
  if (Array.isArray(made) && (made as readonly unknown[]).every(isObject)) return made;
  throw new DefinitionError(
    `features.${name}`,
    'a function that makes none',
    'a feature such as count({ of: order, window })',
  );
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
  for (const [feature, make] of Object.entries(features as object)) requireKind(make, 'make', `features.${feature}`);
  for (const [part, said] of Object.entries({ dedupe, retractions })) {
    if (said !== undefined) requireMembers(said, { horizon: 'text', cap: 'number' }, `${at}.${part}`);
  }
}

const USE_CASE: Members = {
  name: 'text',
  entity: 'text',
  contracts: 'list',
  views: 'object',
  label: 'object?',
  model: 'object?',
  alerts: 'object?',
  available_lag: 'text?',
};
const LABEL: Members = {
  name: 'text',
  kind: 'text',
  event_type: 'text',
  where: 'object?',
  horizon: 'text',
  eligible: 'object',
};

/** The parts themselves are looked at where they are compiled. @throws DefinitionError */
export function checkUseCase(spec: unknown): void {
  requireMembers(spec, USE_CASE, '');
  const { contracts, label } = spec as { readonly contracts: readonly unknown[]; readonly label?: unknown };
  for (const [i, contract] of contracts.entries()) requireKind(contract, 'contract', `contracts.${i}`);
  if (label !== undefined) requireMembers(label, LABEL, 'label');
}
