/** Field types of a contract, and their rules. */

import type { FieldIR, FieldType, Scalar } from '../ir/document.ts';
import type { TimestampFormat } from '../values/time.ts';
import { checkField } from './checks.ts';

type Distribute<T> = T extends unknown ? Omit<T, 'name' | 'required' | 'default' | 'from'> : never;

export type FieldSpec<Type extends FieldType = FieldType> = Extract<Distribute<FieldIR>, { readonly type: Type }> & {
  readonly from?: string;
  readonly required: boolean;
  readonly default?: Scalar;
};
type EnumSpec<Value extends string> = FieldSpec<'enum'> & { readonly values: readonly Value[] };

/** What a field's values are in a condition. */
export type ValueOf<Field> = Field extends { readonly type: 'enum'; readonly values: readonly (infer Value)[] }
  ? Value & string
  : Field extends { readonly type: 'string' }
    ? string
    : Field extends { readonly type: 'bool' }
      ? boolean
      : number;

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
export interface RangeOptions extends FieldOptions {
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

export const range = ({ min, max }: Pick<RangeOptions, 'min' | 'max'>) => ({
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
const text = (o: TextOptions) => ({ trim: o.trim ?? true, ...(o.case ? { case: o.case } : {}), ...common(o) });

/** Field types of a contract. */
export const field = {
  /** Text of up to `maxLength` characters. @default 256 */
  string: (o: TextOptions & { readonly maxLength?: number } = {}): FieldSpec<'string'> => {
    checkField('string', o);
    return { type: 'string', max_length: o.maxLength ?? 256, ...text(o) };
  },
  /** One of a closed list of texts. */
  enum: <const Value extends string>(values: readonly Value[], o: TextOptions = {}): EnumSpec<Value> => {
    checkField('enum', o, values);
    return { type: 'enum', values, ...text(o) };
  },
  /** A whole number. */
  int: (o: RangeOptions = {}): FieldSpec<'int'> => {
    checkField('int', o);
    return { type: 'int', ...range(o), ...common(o) };
  },
  /** Integer of 10^-scale in every engine: `decimal(2)` of dollars is cents. */
  decimal: (scale: number, o: RangeOptions = {}): FieldSpec<'decimal'> => {
    checkField('decimal', o, scale);
    return { type: 'decimal', scale, ...range(o), ...common(o) };
  },
  /** True or false. */
  bool: (o: FieldOptions = {}): FieldSpec<'bool'> => {
    checkField('bool', o);
    return { type: 'bool', ...common(o) };
  },
  /** An instant: `iso8601`, `epoch_s` or `epoch_ms`. */
  timestamp: (format: TimestampFormat, o: FieldOptions = {}): FieldSpec<'timestamp'> => {
    checkField('timestamp', o, format);
    return { type: 'timestamp', format, ...common(o) };
  },
};
