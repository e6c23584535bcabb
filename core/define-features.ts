/** How features are declared: aggregations, series of windows, and expressions over what was declared before. */

import { checkAggregate } from './define-checks.ts';
import type { Contract, FieldSpec } from './define-contracts.ts';
import { DefinitionError, shown } from './errors.ts';
import type { AggregationOp, ExprIR, FeatureIR, PredicateIR, Scalar } from './ir.ts';
import { requireKind } from './spec.ts';
import { hopOf, parseDuration } from './time.ts';
import { valueTypeOf } from './validate-view.ts';

export type Condition =
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
  /**
   * That many consecutive windows, each as wide as `window`: features `<name>_0` (up to now), `<name>_1` (the one before) …
   * Together they are one window: `{ window: '7d', series: 12 }` is cut out of 84 days.
   */
  readonly series?: number;
  /** One sentence for people. @default - empty */
  readonly description?: string;
}

interface CappedSpec<Name extends string> extends AggregateSpec<Name> {
  readonly field: NoInfer<Name>;
  /** Different values that a tile keeps exactly. @default - as many as an enum or a bool has; else it must be said */
  readonly cap?: number;
}

interface KSpec<Name extends string> extends CappedSpec<Name> {
  /** How many values, 1 to 64. */
  readonly k: number;
}

/** The features that a declaration makes: one, or one a window of a series. */
export type FeatureSpec = (name: string) => readonly FeatureIR[];

export function predicates(where: Readonly<Record<string, Condition | undefined>>): PredicateIR[] {
  return Object.entries(where).flatMap(([name, condition]): PredicateIR[] => {
    if (condition === null || typeof condition !== 'object')
      return [{ field: name, op: 'eq', value: condition ?? null }];
    return Object.entries(condition).map(([op, value]) => ({ field: name, op, value }) as PredicateIR);
  });
}

/** As many values as the field can have; null where that has no bound and none was said. */
function capOf(op: AggregationOp, said: number | undefined, source: FieldSpec | undefined): number | null {
  if (op !== 'count_distinct' && op !== 'histogram') return null;
  if (said !== undefined) return said;
  return source?.type === 'enum' ? source.values.length : source?.type === 'bool' ? 2 : null;
}

interface AnySpec<Name extends string> extends AggregateSpec<Name> {
  readonly cap?: number;
  readonly k?: number;
}

function aggregate<Name extends string>(op: AggregationOp, spec: AnySpec<Name>): FeatureSpec {
  return (name) => {
    checkAggregate(op, name, spec);
    const window_ms = spec.window === 'lifetime' ? null : parseDuration(spec.window, `features.${name}.window`);
    const { series } = spec;
    if (series !== undefined && (window_ms === null || !Number.isInteger(series) || series < 1 || series > 366)) {
      throw new DefinitionError(
        `features.${name}.series`,
        window_ms === null ? 'a series of lifetimes' : shown(series),
        'a whole number of windows from 1 to 366, each with a width such as 7d',
      );
    }
    const source = spec.of.ir.fields.find((f) => f.name === spec.field);
    const common = {
      kind: 'aggregate',
      description: spec.description ?? '',
      op,
      event_type: spec.of.ir.event_type,
      field: spec.field ?? null,
      where: predicates((spec.where ?? {}) as Readonly<Record<string, Condition>>),
      window_ms,
      hop_ms: window_ms === null ? null : hopOf(window_ms * (series ?? 1)),
      cap: capOf(op, spec.cap, source),
      k: spec.k ?? null,
      value_type: valueTypeOf(op, source?.type),
      enum_values: (op === 'first' || op === 'last') && source?.type === 'enum' ? source.values : null,
    } as const;
    if (series === undefined) return [{ ...common, name, offset_ms: 0 }];
    return Array.from({ length: series }, (_, i) => ({
      ...common,
      name: `${name}_${i}`,
      offset_ms: i * window_ms!,
    }));
  };
}

type NeedsField<Name extends string> = AggregateSpec<Name> & { readonly field: NoInfer<Name> };

/** How many events (or non-null values of `field`). */
export const count = <N extends string>(spec: AggregateSpec<N>) => aggregate('count', spec);
export const sum = <N extends string>(spec: NeedsField<N>) => aggregate('sum', spec);
export const mean = <N extends string>(spec: NeedsField<N>) => aggregate('mean', spec);
export const min = <N extends string>(spec: NeedsField<N>) => aggregate('min', spec);
export const max = <N extends string>(spec: NeedsField<N>) => aggregate('max', spec);
/** Of the population: (n·Σv² − (Σv)²) / n², one division of exact integers; 0 for a single event. */
export const variance = <N extends string>(spec: NeedsField<N>) => aggregate('variance', spec);
export const first = <N extends string>(spec: NeedsField<N>) => aggregate('first', spec);
export const last = <N extends string>(spec: NeedsField<N>) => aggregate('last', spec);
/** The last `k` values, newest first. */
export const lastK = <N extends string>(spec: Omit<KSpec<N>, 'cap'>) => aggregate('last_k', spec);
export const countDistinct = <N extends string>(spec: CappedSpec<N>) => aggregate('count_distinct', spec);
/** The `k` most frequent values as [value, count] pairs, most frequent first, ties by code point; null above `cap`. */
export const histogram = <N extends string>(spec: KSpec<N>) => aggregate('histogram', spec);
/** ms from the newest matching event to `t`. */
export const timeSinceLast = <N extends string>(spec: AggregateSpec<N>) => aggregate('time_since_last', spec);
/** ms from the oldest matching event of the window to `t`. */
export const timeSinceFirst = <N extends string>(spec: AggregateSpec<N>) => aggregate('time_since_first', spec);

/** An expression over features declared before it. */
export const derived =
  (expr: ExprIR, description = ''): FeatureSpec =>
  (name) => {
    requireKind(expr, 'object', `features.${name}.expr`);
    requireKind(description, 'text', `features.${name}.description`);
    return [{ kind: 'derived', name, description, expr, value_type: 'float' }];
  };

type Operand = ExprIR | string | number;
const operand = (value: Operand): ExprIR =>
  typeof value === 'string' ? { op: 'ref', name: value } : typeof value === 'number' ? { op: 'const', value } : value;
const binary =
  (op: Exclude<ExprIR['op'], 'ref' | 'const'>) =>
  (left: Operand, right: Operand): ExprIR => ({ op, left: operand(left), right: operand(right) });

const add = binary('add');
const sub = binary('sub');
const mul = binary('mul');
const div = binary('div');

/**
 * Least-squares slope over a series, per window: Σ wᵢ·yᵢ / (n(n²−1)/6) with whole weights wᵢ = n − 1 − 2i, as place 0 is
 * the newest. Positive: growing.
 */
function trend(series: string, n: number): ExprIR {
  requireKind(series, 'text', 'trend.series');
  if (!Number.isInteger(n) || n < 2)
    throw new DefinitionError(`trend(${shown(series)})`, shown(n), 'a series of 2 or more');
  const terms = Array.from({ length: n }, (_, i) => mul(`${series}_${i}`, n - 1 - 2 * i));
  return div(
    terms.reduce((sum, term) => add(sum, term)),
    (n * (n * n - 1)) / 6,
  );
}

/** Silence as a multiple of the entity's own mean gap between `count` events; null before the second. */
function gapAgainstCadence(since_last: string, since_first: string, count: string): ExprIR {
  return div(since_last, div(sub(since_first, since_last), sub(count, 1)));
}

/** Expressions: a string names a feature (or a field), a number is a constant. Null in, null out. */
export const expr = {
  add,
  sub,
  mul,
  /** Null where the divisor is 0. */
  div,
  ratio: div,
  difference: sub,
  trend,
  gapAgainstCadence,
  min: binary('min'),
  max: binary('max'),
  gt: binary('gt'),
  gte: binary('gte'),
  lt: binary('lt'),
  lte: binary('lte'),
  eq: binary('eq'),
  coalesce: binary('coalesce'),
};
