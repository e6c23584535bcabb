import type { ExprIR, Scalar } from './ir.ts';

/**
 * Evaluates an expression in IEEE-754 binary64; the same operations in numpy give the same bits.
 * @param lookup value of a name; strings and nulls count as null, booleans as 1 or 0
 * @returns null where an operand is null (except `coalesce`), at a division by zero, and where the result is not finite
 */
export function evaluate(expr: ExprIR, lookup: (name: string) => Scalar): number | null {
  if (expr.op === 'const') return expr.value;
  if (expr.op === 'ref') return asNumber(lookup(expr.name));
  const left = evaluate(expr.left, lookup);
  if (expr.op === 'coalesce') return left ?? evaluate(expr.right, lookup);
  const right = evaluate(expr.right, lookup);
  if (left === null || right === null) return null;
  const value = combine(expr.op, left, right);
  // + 0 turns -0 into 0: JSON can't carry the difference, so no engine may show it.
  return Number.isFinite(value) ? value + 0 : null;
}

function combine(op: Exclude<ExprIR['op'], 'const' | 'ref' | 'coalesce'>, left: number, right: number): number {
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

function asNumber(value: Scalar): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : null;
}

/** Every name an expression refers to. */
export function references(expr: ExprIR): string[] {
  if (expr.op === 'ref') return [expr.name];
  if (expr.op === 'const') return [];
  return [...references(expr.left), ...references(expr.right)];
}
