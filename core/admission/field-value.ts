/** One property of an event as the column that its contract declares. The same rules stand in tidemark_spark/engine/admission/field_values.py. */

import type { DerivedColumnIR, FieldIR, Scalar } from '../ir/document.ts';
import { typeName } from '../ir/errors.ts';
import { Rejection } from '../ir/rejection.ts';
import { MAX_EXACT, parseDecimal } from '../values/decimal.ts';
import { isLonger, trimmed } from '../values/text.ts';
import { type LocalClock, parseTimestamp } from '../values/time.ts';

/**
 * @param raw of the incoming properties; undefined where there is none. @param local reads times without a zone
 * @throws Rejection
 */
export function fieldValue(field: FieldIR, raw: unknown, local: LocalClock | undefined): Scalar {
  if (raw === undefined || raw === null) {
    if (field.required) {
      throw new Rejection('MISSING_FIELD', `properties.${field.name}: found ${typeName(raw)}; allowed: ${field.type}`);
    }
    return field.default ?? null;
  }
  switch (field.type) {
    case 'string':
    case 'enum':
      return textValue(field, raw);
    case 'bool':
      if (typeof raw !== 'boolean') throw invalid(field, raw, 'true or false');
      return raw;
    case 'timestamp':
      return unwrap(field, parseTimestamp(raw, field.format, local));
    case 'decimal':
      return inRange(field, unwrap(field, parseDecimal(raw, field.scale)));
    case 'int':
      return inRange(field, intValue(field, raw));
  }
}

/** A safe integer as a JSON number, or digits as text (webhooks send numbers as strings). */
function intValue(field: FieldIR, raw: unknown): number {
  const value = typeof raw === 'string' && /^-?\d{1,16}$/.test(raw) ? Number(raw) : raw;
  if (!Number.isSafeInteger(value)) throw invalid(field, raw, 'an integer within 2^53');
  return (value as number) + 0; // -0 + 0 is 0
}

/** Trim and case are ASCII only: the one definition on which all languages agree. */
function textValue(field: Extract<FieldIR, { type: 'string' | 'enum' }>, raw: unknown): string {
  if (typeof raw !== 'string' || !raw.isWellFormed()) throw invalid(field, raw, 'a well-formed string');
  let text = field.trim ? trimmed(raw) : raw;
  if (field.case === 'lower') text = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (field.case === 'upper') text = text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  if (field.type === 'enum') {
    if (!field.values.includes(text)) {
      throw new Rejection(
        'NOT_IN_ENUM',
        `properties.${field.name}: found another string; allowed: ${field.values.join(', ')}`,
      );
    }
  } else if (isLonger(text, field.max_length)) {
    throw invalid(field, raw, `up to ${field.max_length} characters`);
  }
  return text;
}

/** @throws Rejection OUT_OF_RANGE */
export function inRange(field: Pick<DerivedColumnIR, 'name' | 'min' | 'max'>, value: number): number {
  const { min = -MAX_EXACT, max = MAX_EXACT } = field;
  if (value < min || value > max) {
    throw new Rejection('OUT_OF_RANGE', `properties.${field.name}: found a number outside; allowed: ${min} to ${max}`);
  }
  return value;
}

function unwrap(field: FieldIR, parsed: ReturnType<typeof parseDecimal>): number {
  if ('error' in parsed) throw new Rejection(parsed.error, `properties.${field.name}: ${parsed.detail}`);
  return parsed.value;
}

function invalid(field: FieldIR, raw: unknown, allowed: string): Rejection {
  return new Rejection('INVALID_FIELD', `properties.${field.name}: found ${typeName(raw)}; allowed: ${allowed}`);
}
