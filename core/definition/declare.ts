/** How an aggregation over the events of a window is declared; each has its own file in core/aggregates. */
import { type Aggregation, type OptionName, scalarOf } from '../aggregates/aggregation.ts';
import type { AggregateFeatureIR, FeatureIR, PredicateIR, Scalar } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { hopOf, parseDuration } from '../values/time.ts';
import { checkAggregate } from './checks.ts';
import type { Contract, FieldSpec } from './contracts.ts';

export type Condition =
  | Scalar
  | { readonly in: readonly Scalar[] }
  | { readonly [op in 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte']?: Scalar };

export interface EventsSpec<Name extends string> {
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

export interface ValuesSpec<Name extends string> extends EventsSpec<Name> {
  readonly field: NoInfer<Name>;
}

export interface CappedSpec<Name extends string> extends ValuesSpec<Name> {
  /** Different values that a tile keeps exactly. @default - as many as an enum or a bool has; else it must be said */
  readonly cap?: number;
}

export interface KSpec<Name extends string> extends ValuesSpec<Name> {
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

type AnySpec<Name extends string> = EventsSpec<Name> & { readonly [name in OptionName]?: number };

/** @throws DefinitionError, when the feature gets its name */
export function declare<Cell, Name extends string>(
  { op, options = [], valueType }: Aggregation<Cell>,
  spec: AnySpec<Name>,
): FeatureSpec {
  return (name) => {
    checkAggregate(options, name, spec);
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
    const value_type = valueType(scalarOf(source?.type));
    const common = {
      kind: 'aggregate',
      description: spec.description ?? '',
      op: op as AggregateFeatureIR['op'],
      event_type: spec.of.ir.event_type,
      field: spec.field ?? null,
      where: predicates((spec.where ?? {}) as Readonly<Record<string, Condition>>),
      window_ms,
      hop_ms: window_ms === null ? null : hopOf(window_ms * (series ?? 1)),
      cap: options.includes('cap') ? (spec.cap ?? boundOf(source)) : null,
      k: spec.k ?? null,
      ...(spec.q !== undefined && { q: spec.q }),
      ...(spec.error !== undefined && { error: spec.error }),
      value_type,
      // One value of the enum, as it is: the model reads its place among them.
      enum_values: value_type === 'string' && source?.type === 'enum' ? source.values : null,
    } as const;
    if (series === undefined) return [{ ...common, name, offset_ms: 0 }];
    return Array.from({ length: series }, (_, i) => ({
      ...common,
      name: `${name}_${i}`,
      offset_ms: i * window_ms!,
    }));
  };
}

/** As many values as the field can have; null where that has no bound of its own. */
function boundOf(source: FieldSpec | undefined): number | null {
  return source?.type === 'enum' ? source.values.length : source?.type === 'bool' ? 2 : null;
}
