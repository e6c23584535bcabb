/** How the events of a use case are declared: their columns, and what they retract. */

import type { ContractIR, DerivedColumnIR, FieldIR } from '../ir/document.ts';
import type { TimestampFormat } from '../values/time.ts';
import { instantOf, parseDuration } from '../values/time.ts';
import { timeZoneOf } from '../values/time-zone.ts';
import { checkContract, checkDerivedColumns, checkRetracts } from './checks.ts';
import { type Column, columnOf, named } from './column.ts';
import { type ColumnExpr, columnExprOf } from './expressions.ts';
import { type FieldSpec, type RangeOptions, range, type ValueOf } from './fields.ts';
import { COLUMN, CONTRACT } from './symbols.ts';

/** Its columns, and nothing else by a name: `order.amount`. */
export type Contract<Event extends string = string, Columns = unknown> = Columns & {
  readonly [CONTRACT]: ContractIR & { readonly event_type: Event };
};

/** The document of a contract. */
export const contractIR = ({ [CONTRACT]: ir }: Contract): ContractIR => ir;

type Fields = Readonly<Record<string, FieldSpec>>;
type FieldColumns<Event extends string, Of extends Fields> = {
  readonly [Name in keyof Of]: Column<Event, Of[Name]['type'], ValueOf<Of[Name]>>;
};
type DerivedColumns<Event extends string, Of> = { readonly [Name in keyof Of]: Column<Event, 'derived', number> };

/** A column computed from the fields of its own event; what sums it needs bounds. */
export type DerivedColumnSpec = ColumnExpr | ({ readonly expr: ColumnExpr } & Pick<RangeOptions, 'min' | 'max'>);

interface RetractsSpec<Event extends string> {
  readonly of: Contract;
  readonly id: Column<Event, 'string'>;
}

/** The schema of one version of an event type. */
export function contract<
  const Event extends string,
  Of extends Fields,
  Derived extends Readonly<Record<string, DerivedColumnSpec>> = Record<never, DerivedColumnSpec>,
>(
  eventType: Event,
  schemaVersion: number,
  spec: {
    /** @default 'iso8601' */
    readonly eventTime?: TimestampFormat;
    /** How far a source's clock may be ahead and is clamped. @default '5m' */
    readonly maxFuture?: string;
    /** Events before are refused, such as seconds that are sent for milliseconds: ISO-8601 with a zone. @default - 1970 */
    readonly minEventTime?: string;
    /** Where ISO times without a zone are at home, such as `Europe/London`. @default - such times are refused */
    readonly timeZone?: string;
    /** By their names: each is a column of the contract. */
    readonly fields: Of;
    /**
     * Computed from this event's own fields, after all checks: `({ quantity, price }) => ({ total: expr.mul(quantity, price) })`.
     * Sums, means and variances need bounds, which are checked as a field's are: `{ total: { expr: …, min: 0, max: 1_000_000 } }`.
     */
    readonly derived?: (fields: FieldColumns<Event, Of>) => Derived;
    /**
     * This event cancels an earlier one (a refund, a deletion), whose event id a field of it holds:
     * `({ order_id }) => ({ of: order, id: order_id })`.
     */
    readonly retracts?: (fields: FieldColumns<Event, Of>) => RetractsSpec<Event>;
  },
): Contract<Event, FieldColumns<Event, Of> & DerivedColumns<Event, Derived>> {
  checkContract(eventType, schemaVersion, spec);
  const at = `contracts.${eventType}`;
  const fields = columnsOf(eventType, Object.entries(spec.fields)) as FieldColumns<Event, Of>;
  const own = named(eventType, { ...fields });
  const derived = derivedOf(spec.derived?.(own), at);
  const columns = {
    ...fields,
    ...columnsOf(
      eventType,
      derived.map(({ name }) => [name, null]),
    ),
  };
  const retracts = spec.retracts?.(own);
  if (retracts !== undefined) checkRetracts(retracts, eventType);
  const ir = {
    event_type: eventType,
    schema_version: schemaVersion,
    event_time_format: spec.eventTime ?? 'iso8601',
    max_future_ms: parseDuration(spec.maxFuture ?? '5m', `${at}.maxFuture`),
    ...(spec.minEventTime !== undefined && { min_event_time: instantOf(spec.minEventTime, `${at}.minEventTime`) }),
    ...(spec.timeZone !== undefined && { time_zone: timeZoneOf(spec.timeZone, `${at}.timeZone`) }),
    fields: Object.entries(spec.fields).map(([name, f]) => ({ name, ...f }) as FieldIR),
    derived,
    ...(retracts && {
      retracts: { event_type: contractIR(retracts.of).event_type, field: retracts.id[COLUMN].name },
    }),
  };
  return named(eventType, Object.assign(columns, { [CONTRACT]: ir })) as never;
}

const columnsOf = (event_type: string, named: readonly (readonly [string, FieldSpec | null])[]) =>
  Object.fromEntries(named.map(([name, one]) => [name, columnOf(event_type, name, one)]));

function derivedOf(spec: Readonly<Record<string, DerivedColumnSpec>> | undefined, at: string): DerivedColumnIR[] {
  if (spec === undefined) return [];
  checkDerivedColumns(spec, at);
  return Object.entries(spec).map(([name, column]) => {
    const here = `${at}.derived.${name}`;
    return 'expr' in column
      ? { name, expr: columnExprOf(column.expr, here), ...range(column) }
      : { name, expr: columnExprOf(column, here) };
  });
}
