/** From a state to a feature vector at the reader's own `t`: counts fall and recency grows with no new event. */
import { evaluate } from './expr.ts';
import type { AggregateFeatureIR, FeatureViewIR, ModelIR, Scalar } from './ir.ts';
import { type Distinct, estimateDistinct, type Pick, type Sum, unite } from './partials.ts';
import type { EntityState } from './state.ts';
import { windowStart } from './time.ts';
import type { ViewPlan } from './view.ts';

/** `t` must be after the newest arrival applied: only then does no tile hold an event at or after `t`. */
export class ReadTooEarlyError extends Error {
  override readonly name = 'ReadTooEarlyError';
}

/**
 * @param t instant of the query, ms UTC
 * @returns one value per feature of the view, in order; null where the window holds no value
 * @throws ReadTooEarlyError when `t` is not after `state.newest_available_at`
 */
export function finalise(plan: ViewPlan, state: EntityState, t: number): Scalar[] {
  if (t <= state.newest_available_at) {
    throw new ReadTooEarlyError(
      `t: found ${state.newest_available_at - t} ms at or before the newest arrival; allowed: later`,
    );
  }
  const values = new Map<string, Scalar>();
  return plan.view.features.map((feature, i) => {
    const source = plan.sources[i];
    const value = source
      ? finaliseCell(source.feature, windowCell(plan, state, source.feature, source.level, source.partial, t), t)
      : feature.kind === 'derived'
        ? evaluate(feature.expr, (name) => values.get(name) ?? null)
        : null;
    values.set(feature.name, value);
    return value;
  });
}

/** Merges the cells of all tiles in [floor(t - window, hop), t); null when there is none. */
function windowCell(
  plan: ViewPlan,
  state: EntityState,
  feature: AggregateFeatureIR,
  level: number,
  partial: number,
  t: number,
): unknown {
  const spec = plan.levels[level]!.partials[partial]!;
  const from = feature.window_ms === null ? 0 : windowStart(t, feature.window_ms, feature.hop_ms!);
  const unify = spec.kind === 'distinct' ? (unite as (a: unknown, b: unknown) => unknown) : spec.partial.merge;
  let merged: unknown = null;
  for (const tile of state.levels[level]!) {
    const cell = tile.cells[partial];
    if (tile.start < from || cell === null) continue;
    merged = merged === null ? cell : unify(merged, cell);
  }
  return merged;
}

/** Empty window: counts are 0, everything else is null. Means are one division of exact integers. */
export function finaliseCell(feature: AggregateFeatureIR, cell: unknown, t: number): Scalar {
  if (cell === null) return feature.op === 'count' || feature.op === 'count_distinct' ? 0 : null;
  switch (feature.op) {
    case 'count':
    case 'min':
    case 'max':
      return cell as number;
    case 'sum':
      return (cell as Sum).sum;
    case 'mean':
      return (cell as Sum).sum / (cell as Sum).n;
    case 'first':
    case 'last':
      return (cell as Pick).value;
    case 'count_distinct':
      return estimateDistinct(cell as Distinct);
    case 'time_since_last':
    case 'time_since_first':
      return t - (cell as number);
  }
}

/** The model's input vector: enums by the index of their value, booleans 1 or 0, null (NaN for the model) as it is. */
export function modelInputs(view: FeatureViewIR, model: ModelIR, values: readonly Scalar[]): (number | null)[] {
  const index = new Map(view.features.map((feature, i) => [feature.name, i]));
  return model.inputs.map((name) => {
    const at = index.get(name)!;
    const feature = view.features[at]!;
    const value = values[at] ?? null;
    if (typeof value === 'boolean') return value ? 1 : 0;
    if (typeof value !== 'string') return value;
    const code = feature.kind === 'aggregate' ? (feature.enum_values?.indexOf(value) ?? -1) : -1;
    return code < 0 ? null : code;
  });
}
