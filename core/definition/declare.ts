/** How an aggregation over the events of a window is declared; each has its own file in core/aggregates. */
import { type Aggregation, type ColumnType, type OptionName, scalarOf } from '../aggregates/aggregation.ts';
import type { AggregateFeatureIR } from '../ir/document.ts';
import { DefinitionError } from '../ir/errors.ts';
import { hopOf, parseDuration } from '../values/time.ts';
import { checkAggregate } from './checks.ts';
import { type Column, predicatesOf, type Where } from './column.ts';
import type { Contract } from './contracts.ts';
import type { AggregateFeature, ValueType } from './feature.ts';
import type { FieldSpec } from './fields.ts';
import { has } from './spec.ts';
import { COLUMN, CONTRACT, FEATURE } from './symbols.ts';

interface WindowSpec<Event extends string> {
  /** `[order.coupon.eq(true), order.amount.gt(0), order.store.in(['1', '2'])]`: all must hold. @default - every event */
  readonly where?: Where<NoInfer<Event>>;
  /** `1h` … `90d`, or `lifetime`. */
  readonly window: string;
  /** One sentence for people. @default - empty */
  readonly description?: string;
}

export interface EventsSpec<Event extends string> extends WindowSpec<Event> {
  /** Whole events (`order`), or those that have a value in a column (`order.coupon`). */
  readonly of: Contract<Event> | Column<Event>;
}

export interface ValuesSpec<Event extends string, Type extends ColumnType = ColumnType> extends WindowSpec<Event> {
  /** Whose values, such as `order.amount`; null is skipped. */
  readonly of: Column<Event, Type>;
}

export interface CappedSpec<Event extends string, Type extends ColumnType = ColumnType>
  extends ValuesSpec<Event, Type> {
  /** Different values that a tile keeps exactly. @default - as many as an enum or a bool has; else it must be said */
  readonly cap?: number;
}

export interface KSpec<Event extends string, Type extends ColumnType = ColumnType> extends ValuesSpec<Event, Type> {
  /** How many values, 1 to 64. */
  readonly k: number;
}

/** Types of columns, by what an aggregation can do with them. */
export type Ordered = 'int' | 'decimal' | 'timestamp' | 'derived';
export type Summable = Exclude<Ordered, 'timestamp'>;
export type Textual = 'string' | 'enum';
/** How a column's values are held, as `scalarOf` says it. */
export type ScalarOf<Type extends ColumnType> = Type extends 'bool' ? 'bool' : Type extends Textual ? 'string' : 'int';
export type ListOf<Type extends ColumnType> = `${ScalarOf<Type>}s`;

type AnySpec = EventsSpec<string> & { readonly [name in OptionName]?: number };

/** @throws DefinitionError, when the feature gets its name */
export function declare<Cell, Value extends ValueType>(
  { op, options = [], valueType, field }: Aggregation<Cell>,
  spec: EventsSpec<string>,
): AggregateFeature<Value> {
  const window = (name: string, place: number, n: number): AggregateFeatureIR => {
    const at = `features.${name}`;
    checkAggregate(options, field.required, name, spec);
    const { of, where, cap, k, q, error } = spec as AnySpec;
    const column = has(of, COLUMN) ? (of as Column)[COLUMN] : null;
    const { event_type } = column ?? (of as Contract)[CONTRACT];
    const window_ms = spec.window === 'lifetime' ? null : parseDuration(spec.window, `${at}.window`);
    if (n > 1 && window_ms === null)
      throw new DefinitionError(`${at}.window`, 'a series of lifetimes', 'a width such as 7d');
    // What a derived column holds is not known before its values are: numbers.
    const value_type = valueType(scalarOf(column?.field?.type));
    return {
      kind: 'aggregate',
      name,
      description: spec.description ?? '',
      op: op as AggregateFeatureIR['op'],
      event_type,
      field: column?.name ?? null,
      where: predicatesOf(where, event_type, `${at}.where`),
      window_ms,
      offset_ms: place * (window_ms ?? 0),
      hop_ms: window_ms === null ? null : hopOf(window_ms * n),
      cap: options.includes('cap') ? (cap ?? boundOf(column?.field)) : null,
      k: k ?? null,
      ...(q !== undefined && { q }),
      ...(error !== undefined && { error }),
      value_type,
      // One value of the enum, as it is: the model reads its place among them.
      enum_values: value_type === 'string' && column?.field?.type === 'enum' ? column.field.values : null,
    };
  };
  return {
    [FEATURE]: { window, compile: (name) => window(name, 0, 1) },
  } as AggregateFeature as AggregateFeature<Value>;
}

/** As many values as the field can have; null where that has no bound of its own. */
function boundOf(source: FieldSpec | null | undefined): number | null {
  return source?.type === 'enum' ? source.values.length : source?.type === 'bool' ? 2 : null;
}
