/**
 * How a use case is written: contracts, a feature view, a label, a model and alerts, compiled to the IR.
 * Names are checked by the compiler where it can (fields of a contract) and by `validateUseCase` where it can't.
 */

import { hashOf, versionOf } from './definition-hash.ts';
import { DefinitionError, typeName } from './errors.ts';
import type {
  AggregateFeatureIR,
  AggregationOp,
  AlertIR,
  ContractIR,
  DerivedColumnIR,
  ExprIR,
  FeatureIR,
  FeatureViewIR,
  FieldIR,
  InstantsIR,
  LabelIR,
  ModelIR,
  PredicateIR,
  Scalar,
  TimestampFormat,
  UseCaseIR,
} from './ir.ts';
import { hopOf, parseDuration, parseTimestamp } from './time.ts';
import { parseUseCase } from './usecase.ts';

type Distribute<T> = T extends unknown ? Omit<T, 'name' | 'required' | 'default' | 'from'> : never;
export type FieldSpec = Distribute<FieldIR> & {
  readonly from?: string;
  readonly required: boolean;
  readonly default?: Scalar;
};

interface FieldOptions {
  /** Key in the incoming properties. @default - the field's name */
  readonly from?: string;
  /** @default true, unless a default is given */
  readonly required?: boolean;
  /** In canonical form: a decimal in units of 10^-scale. @default null */
  readonly default?: Scalar;
}
interface TextOptions extends FieldOptions {
  /** ASCII white space at both ends. @default true */
  readonly trim?: boolean;
  readonly case?: 'lower' | 'upper';
}
interface RangeOptions extends FieldOptions {
  /** In units of 10^-scale. @default - any exact integer */
  readonly min?: number;
  readonly max?: number;
}

function common({ from, required, default: fallback }: FieldOptions) {
  return {
    ...(from === undefined ? {} : { from }),
    required: required ?? fallback === undefined,
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}

const range = ({ min, max }: RangeOptions) => ({
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
const text = (o: TextOptions) => ({ trim: o.trim ?? true, ...(o.case ? { case: o.case } : {}), ...common(o) });

/** Field types of a contract. */
export const field = {
  string: (o: TextOptions & { readonly max_length?: number } = {}): FieldSpec => ({
    type: 'string',
    max_length: o.max_length ?? 256,
    ...text(o),
  }),
  enum: (values: readonly string[], o: TextOptions = {}): FieldSpec => ({ type: 'enum', values, ...text(o) }),
  int: (o: RangeOptions = {}): FieldSpec => ({ type: 'int', ...range(o), ...common(o) }),
  /** Integer of 10^-scale in every engine: `decimal(2)` of dollars is cents. */
  decimal: (scale: number, o: RangeOptions = {}): FieldSpec => ({ type: 'decimal', scale, ...range(o), ...common(o) }),
  bool: (o: FieldOptions = {}): FieldSpec => ({ type: 'bool', ...common(o) }),
  timestamp: (format: TimestampFormat, o: FieldOptions = {}): FieldSpec => ({
    type: 'timestamp',
    format,
    ...common(o),
  }),
};

export interface Contract<Name extends string = string> {
  readonly ir: ContractIR;
  /** Carries the field names for the compiler only. */
  readonly names?: Name;
}

export function contract<
  Fields extends Readonly<Record<string, FieldSpec>>,
  Derived extends Readonly<Record<string, ExprIR>> = Record<never, ExprIR>,
>(
  event_type: string,
  schema_version: number,
  spec: {
    /** @default 'iso8601' */
    readonly event_time?: TimestampFormat;
    /** How far a source's clock may be ahead and is clamped. @default '5m' */
    readonly max_future?: string;
    readonly fields: Fields;
    /** Computed from this event's own fields, after all checks. */
    readonly derived?: Derived;
  },
): Contract<(keyof Fields | keyof Derived) & string> {
  const derived: DerivedColumnIR[] = Object.entries(spec.derived ?? {}).map(([name, expr]) => ({ name, expr }));
  return {
    ir: {
      event_type,
      schema_version,
      event_time_format: spec.event_time ?? 'iso8601',
      max_future_ms: parseDuration(spec.max_future ?? '5m', `contracts.${event_type}.max_future`),
      fields: Object.entries(spec.fields).map(([name, f]) => ({ name, ...f }) as FieldIR),
      derived,
    },
  };
}

type Condition =
  | Scalar
  | { readonly in: readonly Scalar[] }
  | { readonly [op in 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte']?: Scalar };

interface AggregateSpec<Name extends string> {
  readonly of: Contract<Name>;
  readonly field?: NoInfer<Name>;
  /** `{ coupon: true, amount: { gt: 0 }, store: { in: ['1', '2'] } }`: all must hold. */
  readonly where?: { readonly [name in NoInfer<Name>]?: Condition };
  /** `1h` … `90d`, or `lifetime`. */
  readonly window: string;
  /** count_distinct: exact up to this many values a tile. @default 64 */
  readonly cap?: number;
  /** One sentence for people. @default - empty */
  readonly description?: string;
}

export type FeatureSpec = (name: string) => FeatureIR;

function predicates(where: Readonly<Record<string, Condition | undefined>>): PredicateIR[] {
  return Object.entries(where).flatMap(([name, condition]): PredicateIR[] => {
    if (condition === null || typeof condition !== 'object')
      return [{ field: name, op: 'eq', value: condition ?? null }];
    return Object.entries(condition).map(([op, value]) => ({ field: name, op, value }) as PredicateIR);
  });
}

function valueType(op: AggregationOp, source: FieldSpec | undefined): AggregateFeatureIR['value_type'] {
  if (op === 'mean') return 'float';
  if (op !== 'first' && op !== 'last') return 'int';
  if (source?.type === 'bool') return 'bool';
  return source?.type === 'string' || source?.type === 'enum' ? 'string' : 'int';
}

function aggregate<Name extends string>(op: AggregationOp, spec: AggregateSpec<Name>): FeatureSpec {
  return (name) => {
    const window_ms = spec.window === 'lifetime' ? null : parseDuration(spec.window, `features.${name}.window`);
    const source = spec.of.ir.fields.find((f) => f.name === spec.field);
    return {
      kind: 'aggregate',
      name,
      description: spec.description ?? '',
      op,
      event_type: spec.of.ir.event_type,
      field: spec.field ?? null,
      where: predicates((spec.where ?? {}) as Readonly<Record<string, Condition>>),
      window_ms,
      hop_ms: window_ms === null ? null : hopOf(window_ms),
      cap: op === 'count_distinct' ? (spec.cap ?? 64) : null,
      value_type: valueType(op, source),
      enum_values: (op === 'first' || op === 'last') && source?.type === 'enum' ? source.values : null,
    };
  };
}

type NeedsField<Name extends string> = AggregateSpec<Name> & { readonly field: NoInfer<Name> };

/** How many events (or non-null values of `field`). */
export const count = <N extends string>(spec: AggregateSpec<N>) => aggregate('count', spec);
export const sum = <N extends string>(spec: NeedsField<N>) => aggregate('sum', spec);
export const mean = <N extends string>(spec: NeedsField<N>) => aggregate('mean', spec);
export const min = <N extends string>(spec: NeedsField<N>) => aggregate('min', spec);
export const max = <N extends string>(spec: NeedsField<N>) => aggregate('max', spec);
export const first = <N extends string>(spec: NeedsField<N>) => aggregate('first', spec);
export const last = <N extends string>(spec: NeedsField<N>) => aggregate('last', spec);
export const countDistinct = <N extends string>(spec: NeedsField<N>) => aggregate('count_distinct', spec);
/** ms from the newest matching event to `t`. */
export const timeSinceLast = <N extends string>(spec: AggregateSpec<N>) => aggregate('time_since_last', spec);
/** ms from the oldest matching event of the window to `t`. */
export const timeSinceFirst = <N extends string>(spec: AggregateSpec<N>) => aggregate('time_since_first', spec);

/** An expression over features declared before it. */
export const derived =
  (expr: ExprIR, description = ''): FeatureSpec =>
  (name) => ({ kind: 'derived', name, description, expr, value_type: 'float' });

type Operand = ExprIR | string | number;
const operand = (value: Operand): ExprIR =>
  typeof value === 'string' ? { op: 'ref', name: value } : typeof value === 'number' ? { op: 'const', value } : value;
const binary =
  (op: Exclude<ExprIR['op'], 'ref' | 'const'>) =>
  (left: Operand, right: Operand): ExprIR => ({ op, left: operand(left), right: operand(right) });

/** Expressions: a string names a feature (or a field), a number is a constant. Null in, null out. */
export const expr = {
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  /** Null where the divisor is 0. */
  div: binary('div'),
  min: binary('min'),
  max: binary('max'),
  gt: binary('gt'),
  gte: binary('gte'),
  lt: binary('lt'),
  lte: binary('lte'),
  eq: binary('eq'),
  coalesce: binary('coalesce'),
};

export interface ViewSpec {
  readonly entity: string;
  /** How long, by arrival, a producer's retry is recognised by its event id. @default 3d and 256 ids */
  readonly dedupe?: { readonly horizon: string; readonly cap: number };
  readonly features: Readonly<Record<string, FeatureSpec>>;
}

/** An instant of a definition, ms UTC. */
export function instant(iso: string, name: string): number {
  const parsed = parseTimestamp(iso, 'iso8601');
  if ('error' in parsed) throw new DefinitionError(name, typeName(iso), 'ISO-8601 with a zone');
  return parsed.value;
}

export const instants = (from: string, to: string, every: string): InstantsIR => ({
  from: instant(from, 'instants.from'),
  to: instant(to, 'instants.to'),
  every_ms: parseDuration(every, 'instants.every'),
});

export interface UseCaseSpec {
  readonly name: string;
  readonly entity: string;
  readonly contracts: readonly Contract[];
  readonly views: Readonly<Record<string, ViewSpec>>;
  readonly label: Omit<LabelIR, 'horizon_ms' | 'where'> & {
    readonly horizon: string;
    readonly where?: Readonly<Record<string, Condition>>;
  };
  readonly model: ModelIR;
  readonly alerts: Omit<AlertIR, 'cooldown_ms'> & { readonly cooldown: string };
  /** Loaded history and replays: how long after an event it became known. @default '1s' */
  readonly available_lag?: string;
}

/** Compiles and checks a use case. @throws DefinitionError naming the field, what was found and what is allowed */
export function defineUseCase(spec: UseCaseSpec): UseCaseIR {
  const contracts = spec.contracts.map((c) => c.ir);
  const views = Object.entries(spec.views).map(([name, view]): FeatureViewIR => {
    const body = {
      name,
      entity: view.entity,
      features: Object.entries(view.features).map(([feature, make]) => make(feature)),
      dedupe: {
        horizon_ms: parseDuration(view.dedupe?.horizon ?? '3d', `views.${name}.dedupe.horizon`),
        cap: view.dedupe?.cap ?? 256,
      },
    };
    const definition_hash = hashOf(body, contracts);
    return { ...body, definition_hash, version: versionOf(name, definition_hash) };
  });
  const { horizon, where, ...label } = spec.label;
  const { cooldown, ...alerts } = spec.alerts;
  const ir: UseCaseIR = {
    ir_version: 1,
    name: spec.name,
    entity: spec.entity,
    contracts,
    views,
    label: { ...label, where: predicates(where ?? {}), horizon_ms: parseDuration(horizon, 'label.horizon') },
    model: spec.model,
    alerts: { ...alerts, cooldown_ms: parseDuration(cooldown, 'alerts.cooldown') },
    replay: { available_lag_ms: parseDuration(spec.available_lag ?? '1s', 'available_lag') },
  };
  // Through JSON, so that what is checked is what the other languages will read.
  return parseUseCase(JSON.parse(JSON.stringify(ir)));
}
