/** Expressions over the columns of an event, or over features that were declared before. */

import type { ExprIR, ListExprIR } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import type { Column, NumericColumn } from './column.ts';
import { type Feature, type FeatureNames, isFeature, isSeries, nameOf, type Series } from './feature.ts';
import { has, requireKind } from './spec.ts';
import { COLUMN, EXPRESSION, FEATURE } from './symbols.ts';

/** Writes an operand. @throws DefinitionError where it is none */
type Write = (operand: unknown) => ExprIR;
/** `list`: its name. */
interface Names {
  readonly write: Write;
  readonly list: (list: unknown) => string;
}
type Resolve = (names: Names) => ExprIR;

/** Over the columns of one event. */
export interface ColumnExpr {
  readonly [EXPRESSION]: { readonly resolve: Resolve };
  readonly over?: 'columns';
}
/** Over features. */
export interface FeatureExpr {
  readonly [EXPRESSION]: { readonly resolve: Resolve };
  readonly over?: 'features';
}
type NumericFeature = Feature<'int' | 'float' | 'bool'>;
type ListFeature = Feature<'ints' | 'bools'>;
type ColumnOperand = Column<string, NumericColumn | 'bool'> | ColumnExpr | number;
type FeatureOperand = NumericFeature | FeatureExpr | number;

const expression = (resolve: Resolve) => ({ [EXPRESSION]: { resolve } });

interface Binary {
  (left: number, right: number): FeatureExpr & ColumnExpr;
  (left: FeatureOperand, right: FeatureOperand): FeatureExpr;
  (left: ColumnOperand, right: ColumnOperand): ColumnExpr;
}
const binary = (op: Exclude<ExprIR['op'], 'ref' | 'const' | ListExprIR['op']>): Binary =>
  ((left: unknown, right: unknown) =>
    expression(({ write }) => ({ op, left: write(left), right: write(right) }))) as Binary;

const add = binary('add');
const sub = binary('sub');
const mul = binary('mul');
const div = binary('div');

/**
 * Least-squares slope over a series, per window: Σ wᵢ·yᵢ / (n(n²−1)/6) with whole weights wᵢ = n − 1 − 2i, as place 0 is
 * the newest. Positive: growing.
 */
function trend(series: Series<'int' | 'float' | 'bool'>): FeatureExpr {
  const n = isSeries(series) ? series.windows.length : 0;
  if (n < 2) throw new DefinitionError('trend.series', shown(series), 'a series of 2 windows or more');
  const terms = series.windows.map((window, i) => mul(window, n - 1 - 2 * i));
  return div(
    terms.reduce((sum, term) => add(sum, term)),
    (n * (n * n - 1)) / 6,
  );
}

/** Silence as a multiple of the entity's own mean gap between `count` events; null before the second. */
function gapAgainstCadence(sinceLast: FeatureOperand, sinceFirst: FeatureOperand, count: FeatureOperand): FeatureExpr {
  return div(sinceLast, div(sub(sinceFirst, sinceLast), sub(count, 1)));
}

const ofList =
  (op: Exclude<ListExprIR['op'], 'at'>) =>
  (list: ListFeature): FeatureExpr =>
    expression((names) => ({ op, list: names.list(list) }));

/** Expressions: over features, or over the columns of an event; a number is a constant. Null in, null out. */
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
  at: (list: ListFeature, index: number): FeatureExpr =>
    expression((names) => ({ op: 'at', list: names.list(list), index })),
};

/** @param leaf the name of a column or feature; nothing where it is none */
function resolve(
  expression: unknown,
  leaf: (operand: unknown) => string | undefined,
  at: string,
  allowed: string,
): ExprIR {
  const named = (operand: unknown, wanted: string) => {
    const name = leaf(operand);
    if (name === undefined) throw new DefinitionError(at, shown(operand), wanted);
    return name;
  };
  const write = (operand: unknown): ExprIR => {
    if (typeof operand === 'number') return { op: 'const', value: operand };
    if (isExpression(operand)) return operand[EXPRESSION].resolve({ write, list: (list) => named(list, 'a feature') });
    return { op: 'ref', name: named(operand, allowed) };
  };
  if (isExpression(expression)) return write(expression);
  throw new DefinitionError(at, shown(expression), 'an expression such as expr.add(a, b)');
}

const isExpression = (value: unknown): value is { readonly [EXPRESSION]: { readonly resolve: Resolve } } =>
  has(value, EXPRESSION);

/** @param at of the expression. @throws DefinitionError on an operand that is no column */
export function columnExprOf(expression: ColumnExpr, at: string): ExprIR {
  const leaf = (operand: unknown) => (has(operand, COLUMN) ? (operand as Column)[COLUMN].name : undefined);
  return resolve(expression, leaf, at, 'a column, a number or an expression');
}

/** @param at of the expression. @throws DefinitionError on an operand that is no feature of the view */
function featureExprOf(expression: FeatureExpr, names: FeatureNames, at: string): ExprIR {
  const leaf = (operand: unknown) => (isFeature(operand) ? nameOf(operand, names, at) : undefined);
  return resolve(expression, leaf, at, 'a feature, a number or an expression');
}

/** Computed from features that the view has before it. */
export const derived = (expression: FeatureExpr, description = ''): Feature<'float'> => ({
  [FEATURE]: {
    compile: (name, names) => {
      requireKind(description, 'text', `features.${name}.description`);
      const expr = featureExprOf(expression, names, `features.${name}.expr`);
      return { kind: 'derived', name, description, expr, value_type: 'float' };
    },
  },
});
