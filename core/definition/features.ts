/** Features that are computed from others: expressions over what was declared before. */

import type { ExprIR, ListExprIR } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import type { FeatureSpec } from './declare.ts';
import { requireKind } from './spec.ts';

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
  (op: Exclude<ExprIR['op'], 'ref' | 'const' | ListExprIR['op']>) =>
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

const ofList =
  (op: Exclude<ListExprIR['op'], 'at'>) =>
  (list: string): ExprIR => ({ op, list });

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
  /** Of a list of numbers, such as lastK has; null where it is empty. */
  sumOf: ofList('sum_of'),
  meanOf: ofList('mean_of'),
  minOf: ofList('min_of'),
  maxOf: ofList('max_of'),
  /** The value at a place of a list, from 0; null where it is shorter. */
  at: (list: string, index: number): ExprIR => ({ op: 'at', list, index }),
};
