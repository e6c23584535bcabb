/** What one of a feature's value stands for, by the contracts that its fields have: money in minor units, times in ms. */
import type { AggregateFeatureIR, ContractIR, ExprIR, FeatureViewIR } from '../../../core/ir/document.ts';

/** 10^-`scale` × ms^`ms`. */
interface Unit {
  readonly scale: number;
  readonly ms: number;
}
/** `any`: a constant, which has the unit of what it is added to or compared with. */
type Measure = Unit | 'any' | undefined;

const PLAIN: Unit = { scale: 0, ms: 0 };
const DURATION: Unit = { scale: 0, ms: 1 };

/**
 * By feature: `10^-2` (hundredths, as decimal(2) has them), `ms`, or both (`10^-2/ms`). What is left out is a plain number, a
 * text or a truth value, or is made of parts that have no unit together.
 */
export function unitsOf(view: FeatureViewIR, contracts: readonly ContractIR[]): Record<string, string> {
  const known = new Map<string, Measure>();
  for (const feature of view.features) {
    const unit =
      feature.kind === 'derived'
        ? ofExpression(feature.expr, (name) => known.get(name))
        : ofAggregate(feature, contracts);
    known.set(feature.name, unit);
  }
  const told = [...known].map(([name, unit]) => [name, textOf(unit)] as const);
  return Object.fromEntries(told.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function textOf(unit: Measure): string | undefined {
  if (unit === undefined || unit === 'any') return undefined;
  const { scale, ms } = unit;
  const power = scale === 0 ? '' : `10^${-scale}`;
  if (ms === 0) return power || undefined;
  const time = Math.abs(ms) === 1 ? 'ms' : `ms^${Math.abs(ms)}`;
  if (ms < 0) return `${power || '1'}/${time}`;
  return power ? `${power} ${time}` : time;
}

function ofAggregate({ op, event_type, field }: AggregateFeatureIR, contracts: readonly ContractIR[]): Measure {
  if (op === 'time_since_last' || op === 'time_since_first') return DURATION;
  if (op === 'count' || op === 'count_distinct' || op === 'histogram') return PLAIN;
  const contract = contracts.find((one) => one.event_type === event_type && columnOf(one, field) !== undefined);
  const column = contract && columnOf(contract, field);
  if (column === undefined || column === 'any') return column;
  return op === 'variance' ? { scale: 2 * column.scale, ms: 2 * column.ms } : column;
}

function columnOf(contract: ContractIR, name: string | null): Measure {
  const field = contract.fields.find((one) => one.name === name);
  if (field?.type === 'decimal') return { scale: field.scale, ms: 0 };
  if (field?.type === 'timestamp') return DURATION;
  if (field) return PLAIN;
  const derived = contract.derived.find((one) => one.name === name);
  return derived && ofExpression(derived.expr, (ref) => columnOf(contract, ref));
}

function ofExpression(expr: ExprIR, known: (name: string) => Measure): Measure {
  if (expr.op === 'ref') return known(expr.name);
  if (expr.op === 'const') return 'any';
  if ('list' in expr) return known(expr.list);
  const [left, right] = [ofExpression(expr.left, known), ofExpression(expr.right, known)];
  if (['gt', 'gte', 'lt', 'lte', 'eq'].includes(expr.op)) return PLAIN;
  if (left === undefined || right === undefined) return undefined;
  if (expr.op === 'mul' || expr.op === 'div') {
    const sign = expr.op === 'mul' ? 1 : -1;
    if (left === 'any' && right === 'any') return 'any';
    const [a, b] = [left === 'any' ? PLAIN : left, right === 'any' ? PLAIN : right];
    return { scale: a.scale + sign * b.scale, ms: a.ms + sign * b.ms };
  }
  if (left === 'any') return right;
  if (right === 'any') return left;
  return left.scale === right.scale && left.ms === right.ms ? left : undefined;
}
