/** Columns of a contract as values: they are aggregated, compared and computed with. */

import type { ColumnType } from '../aggregates/aggregation.ts';
import type { PredicateIR } from '../ir/document.ts';
import { DefinitionError } from '../ir/errors.ts';
import type { FieldSpec } from './fields.ts';
import { COLUMN, CONDITION } from './symbols.ts';

export type NumericColumn = Exclude<ColumnType, 'string' | 'enum' | 'bool'>;
type Comparable = string | number | boolean;

/** One of a contract: `order.amount`. */
export interface Column<
  Event extends string = string,
  Type extends ColumnType = ColumnType,
  Value extends Comparable = Comparable,
> {
  readonly [COLUMN]: {
    readonly event_type: Event;
    readonly name: string;
    readonly type: Type;
    /** Null for a derived column. */
    readonly field: FieldSpec | null;
  };
  /** Holds where the column is this value; a column without a value never matches, not even `ne`. */
  eq(value: Value): Condition<Event>;
  /** Holds where it is another value. */
  ne(value: Value): Condition<Event>;
  /** Holds where it is one of these values. */
  in(values: readonly Value[]): Condition<Event>;
  /** Numbers above; of a decimal in units of 10^-scale. */
  gt(this: Column<Event, NumericColumn>, value: number): Condition<Event>;
  /** Numbers from this one on. */
  gte(this: Column<Event, NumericColumn>, value: number): Condition<Event>;
  /** Numbers below. */
  lt(this: Column<Event, NumericColumn>, value: number): Condition<Event>;
  /** Numbers up to this one. */
  lte(this: Column<Event, NumericColumn>, value: number): Condition<Event>;
}

/** What must hold of an event: `order.amount.gt(0)`. */
export interface Condition<Event extends string = string> {
  readonly [CONDITION]: { readonly event_type: Event; readonly predicate: PredicateIR };
}

/** One condition, or several that must all hold. */
export type Where<Event extends string = string> = Condition<Event> | readonly Condition<Event>[];

/** @param field null for a derived column */
export function columnOf(event_type: string, name: string, field: FieldSpec | null): Column {
  const is = (op: PredicateIR['op']) => (value: unknown) => ({
    [CONDITION]: { event_type, predicate: { field: name, op, value } as PredicateIR },
  });
  return {
    [COLUMN]: { event_type, name, type: field?.type ?? 'derived', field },
    eq: is('eq'),
    ne: is('ne'),
    in: is('in'),
    gt: is('gt'),
    gte: is('gte'),
    lt: is('lt'),
    lte: is('lte'),
  };
}

/** Names that the language itself asks every object for. */
const PROBED: readonly string[] = ['then', 'toJSON'];

/** @throws DefinitionError where a column is read that is none, which else would be nothing at all */
export function named<Columns extends object>(event_type: string, columns: Columns): Columns {
  return new Proxy(Object.freeze(columns), {
    get(target, key) {
      if (typeof key === 'string' && !Object.hasOwn(target, key) && !PROBED.includes(key))
        throw new DefinitionError(`contracts.${event_type}.${key}`, 'no such column', Object.keys(target).join(', '));
      return Reflect.get(target, key);
    },
  });
}

/** @param at of the conditions. @throws DefinitionError on a column of another event type */
export function predicatesOf(where: Where | undefined, event_type: string, at: string): PredicateIR[] {
  const all = Array.isArray(where) ? (where as readonly Condition[]) : where ? [where as Condition] : [];
  return all.map(({ [CONDITION]: condition }) => {
    const { predicate } = condition;
    if (condition.event_type === event_type) return predicate;
    throw new DefinitionError(
      `${at}.${predicate.field}`,
      `a column of ${condition.event_type}`,
      `columns of ${event_type}`,
    );
  });
}
