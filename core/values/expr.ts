import type { ExprIR, FeatureValue, ListExprIR } from '../ir/document.ts';

/**
 * Evaluates an expression in IEEE-754 binary64; the same operations in numpy give the same bits.
 * @param lookup value of a name; strings and nulls count as null, booleans as 1 or 0, in lists too
 * @returns null where an operand is null (except `coalesce`), at a division by zero, and where the result is not finite
 */
export function evaluate(expr: ExprIR, lookup: (name: string) => FeatureValue): number | null {
  if (expr.op === 'const') return expr.value;
  if ('list' in expr) return ofList(expr, lookup(expr.list));
  if (expr.op === 'ref') return asNumber(lookup(expr.name));
  const left = evaluate(expr.left, lookup);
  if (expr.op === 'coalesce') return left ?? evaluate(expr.right, lookup);
  const right = evaluate(expr.right, lookup);
  if (left === null || right === null) return null;
  const value = combine(expr.op, left, right);
  // + 0 turns -0 into 0: JSON can't carry the difference, so no engine may show it.
  return Number.isFinite(value) ? value + 0 : null;
}

function combine(
  op: Exclude<ExprIR['op'], 'const' | 'ref' | 'coalesce' | ListExprIR['op']>,
  left: number,
  right: number,
): number {
  switch (op) {
    case 'add':
      return left + right;
    case 'sub':
      return left - right;
    case 'mul':
      return left * right;
    case 'div':
      return right === 0 ? Number.NaN : left / right;
    case 'min':
      return Math.min(left, right);
    case 'max':
      return Math.max(left, right);
    case 'gt':
      return left > right ? 1 : 0;
    case 'gte':
      return left >= right ? 1 : 0;
    case 'lt':
      return left < right ? 1 : 0;
    case 'lte':
      return left <= right ? 1 : 0;
    case 'eq':
      return left === right ? 1 : 0;
  }
}

/** In the order of the list, so that rounding is the same everywhere. */
function ofList(expr: ListExprIR, list: FeatureValue): number | null {
  if (!Array.isArray(list) || list.length === 0) return null;
  const numbers = (list as readonly FeatureValue[]).map((value) => asNumber(value)!);
  const sum = () => numbers.reduce((total, value) => total + value);
  switch (expr.op) {
    case 'sum_of':
      return sum();
    case 'mean_of':
      return sum() / numbers.length;
    case 'min_of':
      return Math.min(...numbers);
    case 'max_of':
      return Math.max(...numbers);
    case 'at':
      return numbers[expr.index] ?? null;
  }
}

function asNumber(value: FeatureValue): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : null;
}

/** Every value an expression refers to by its name, lists left out. */
export function references(expr: ExprIR): string[] {
  if (expr.op === 'ref') return [expr.name];
  if (expr.op === 'const' || 'list' in expr) return [];
  return [...references(expr.left), ...references(expr.right)];
}

/** Every list an expression reads. */
export function lists(expr: ExprIR): string[] {
  if ('list' in expr) return [expr.list];
  return 'left' in expr ? [...lists(expr.left), ...lists(expr.right)] : [];
}
