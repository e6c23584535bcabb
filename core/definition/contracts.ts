/** How the events of a use case are declared: fields, their rules, and what a contract retracts. */

import type { ContractIR, DerivedColumnIR, ExprIR, FieldIR, Scalar } from '../ir/document.ts';
import type { TimestampFormat } from '../values/time.ts';
import { instantOf, parseDuration } from '../values/time.ts';
import { timeZoneOf } from '../values/time-zone.ts';
import { checkContract, checkField } from './checks.ts';

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
  /** Text of up to `max_length` characters. @default 256 */
  string: (o: TextOptions & { readonly max_length?: number } = {}): FieldSpec => {
    checkField('string', o);
    return { type: 'string', max_length: o.max_length ?? 256, ...text(o) };
  },
  /** One of a closed list of texts. */
  enum: (values: readonly string[], o: TextOptions = {}): FieldSpec => {
    checkField('enum', o, values);
    return { type: 'enum', values, ...text(o) };
  },
  /** A whole number. */
  int: (o: RangeOptions = {}): FieldSpec => {
    checkField('int', o);
    return { type: 'int', ...range(o), ...common(o) };
  },
  /** Integer of 10^-scale in every engine: `decimal(2)` of dollars is cents. */
  decimal: (scale: number, o: RangeOptions = {}): FieldSpec => {
    checkField('decimal', o, scale);
    return { type: 'decimal', scale, ...range(o), ...common(o) };
  },
  /** True or false. */
  bool: (o: FieldOptions = {}): FieldSpec => {
    checkField('bool', o);
    return { type: 'bool', ...common(o) };
  },
  /** An instant: `iso8601`, `epoch_s` or `epoch_ms`. */
  timestamp: (format: TimestampFormat, o: FieldOptions = {}): FieldSpec => {
    checkField('timestamp', o, format);
    return { type: 'timestamp', format, ...common(o) };
  },
};

/** A column computed from the fields of its own event; what sums it needs bounds. */
export type DerivedColumnSpec = ExprIR | ({ readonly expr: ExprIR } & Pick<RangeOptions, 'min' | 'max'>);

export interface Contract<Name extends string = string> {
  readonly ir: ContractIR;
  /** Carries the field names for the compiler only. */
  readonly names?: Name;
}

/** The schema of one version of an event type. */
export function contract<
  Fields extends Readonly<Record<string, FieldSpec>>,
  Derived extends Readonly<Record<string, DerivedColumnSpec>> = Record<never, DerivedColumnSpec>,
>(
  event_type: string,
  schema_version: number,
  spec: {
    /** @default 'iso8601' */
    readonly event_time?: TimestampFormat;
    /** How far a source's clock may be ahead and is clamped. @default '5m' */
    readonly max_future?: string;
    /** Events before are refused, such as seconds that are sent for milliseconds: ISO-8601 with a zone. @default - 1970 */
    readonly min_event_time?: string;
    /** Where ISO times without a zone are at home, such as `Europe/London`. @default - such times are refused */
    readonly time_zone?: string;
    readonly fields: Fields;
    /**
     * Computed from this event's own fields, after all checks: `{ total: expr.mul('quantity', 'unit_price') }`. Sums, means
     * and variances need bounds, which are checked as a field's are: `{ total: { expr: …, min: 0, max: 1_000_000 } }`.
     */
    readonly derived?: Derived;
    /** This event cancels an earlier one (a refund, a deletion): `id` is the field that holds its event id. */
    readonly retracts?: { readonly of: Contract; readonly id: keyof Fields & string };
  },
): Contract<(keyof Fields | keyof Derived) & string> {
  checkContract(event_type, schema_version, spec);
  const derived: DerivedColumnIR[] = Object.entries(spec.derived ?? {}).map(([name, column]) =>
    'expr' in column ? { name, expr: column.expr, ...range(column) } : { name, expr: column },
  );
  return {
    ir: {
      event_type,
      schema_version,
      event_time_format: spec.event_time ?? 'iso8601',
      max_future_ms: parseDuration(spec.max_future ?? '5m', `contracts.${event_type}.max_future`),
      ...(spec.min_event_time === undefined
        ? {}
        : { min_event_time: instantOf(spec.min_event_time, `contracts.${event_type}.min_event_time`) }),
      ...(spec.time_zone === undefined
        ? {}
        : { time_zone: timeZoneOf(spec.time_zone, `contracts.${event_type}.time_zone`) }),
      fields: Object.entries(spec.fields).map(([name, f]) => ({ name, ...f }) as FieldIR),
      derived,
      ...(spec.retracts ? { retracts: { event_type: spec.retracts.of.ir.event_type, field: spec.retracts.id } } : {}),
    },
  };
}
