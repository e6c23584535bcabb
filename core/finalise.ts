/** From a state to a feature vector at the reader's own `t`: counts fall and recency grows with no new event. */
import { evaluate } from './expr.ts';
import type { AggregateFeatureIR, FeatureValue, FeatureViewIR, ModelIR, Scalar } from './ir.ts';
import { type Moments, type Sum, varianceOf } from './partial-numbers.ts';
import type { Pick } from './partial-picks.ts';
import { type Distinct, estimateDistinct, type Histogram, largest, unite, uniteHistograms } from './partial-sets.ts';
import type { EntityState } from './state.ts';
import { floorTo, windowStart } from './time.ts';
import type { PartialSpec, Source, ViewPlan } from './view.ts';

/** `t` must be after the newest arrival applied: only then does no tile hold an event at or after `t`. */
export class ReadTooEarlyError extends Error {
  override readonly name = 'ReadTooEarlyError';
}

/**
 * @param t instant of the query, ms UTC
 * @returns one value per feature of the view, in order; null where the window holds no value
 * @throws ReadTooEarlyError when `t` is not after `state.newest_available_at`
 */
export function finalise(plan: ViewPlan, state: EntityState, t: number): FeatureValue[] {
  if (t <= state.newest_available_at) {
    throw new ReadTooEarlyError(
      `t: found ${state.newest_available_at - t} ms at or before the newest arrival; allowed: later`,
    );
  }
  const { features } = plan.view;
  const out: FeatureValue[] = new Array(features.length).fill(null);
  for (const reading of plan.readings) readPartial(plan, state, reading, t, out);
  const values = new Map<string, FeatureValue>();
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    if (feature.kind === 'derived') out[i] = evaluate(feature.expr, (name) => (values.get(name) ?? null) as Scalar);
    values.set(feature.name, out[i]!);
  }
  return out;
}

/** All features that are read from one partial, by ascending (offset, window): see `compileView`. */
export interface Reading {
  readonly level: number;
  readonly partial: number;
  readonly features: readonly { readonly at: number; readonly feature: AggregateFeatureIR }[];
}

/**
 * One walk from the newest tile back serves all windows of a partial: where a wider window has the same right edge as the
 * one before, it goes on from what that one merged.
 */
function readPartial(plan: ViewPlan, state: EntityState, reading: Reading, t: number, out: FeatureValue[]): void {
  const spec = plan.levels[reading.level]!.partials[reading.partial]!;
  const merge = windowMerge(spec);
  const tiles = state.levels[reading.level]!;
  let merged: unknown = null;
  let next = 0;
  let offset = -1;
  for (const { at, feature } of reading.features) {
    const { window_ms, offset_ms, hop_ms } = feature;
    const from = window_ms === null ? 0 : windowStart(t, offset_ms + window_ms, hop_ms!);
    const reached = tiles.since(from);
    if (offset_ms !== offset) {
      const until = offset_ms === 0 ? Number.POSITIVE_INFINITY : floorTo(t - offset_ms, hop_ms!);
      offset = offset_ms;
      merged = null;
      next = 0;
      while (next < reached.length && reached[next]!.start >= until) next++;
    }
    for (; next < reached.length; next++) {
      const cell = reached[next]!.cells[reading.partial];
      if (cell !== null) merged = merged === null ? cell : merge(merged, cell);
    }
    out[at] = finaliseCell(feature, merged, t);
  }
}

/** Over the tiles of a window, sets have no cap: a window over exact tiles is exact. */
function windowMerge({ kind, partial }: PartialSpec): (a: unknown, b: unknown) => unknown {
  if (kind === 'distinct') return unite as (a: unknown, b: unknown) => unknown;
  return kind === 'histogram' ? (uniteHistograms as (a: unknown, b: unknown) => unknown) : partial.merge;
}

/** Empty window: counts are 0, everything else is null. Means and variances are one division of exact integers. */
function finaliseCell(feature: AggregateFeatureIR, cell: unknown, t: number): FeatureValue {
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
    case 'variance':
      return varianceOf(cell as Moments);
    case 'first':
    case 'last':
      return (cell as Pick).value;
    case 'last_k':
      return (cell as readonly Pick[]).map((pick) => pick.value);
    case 'count_distinct':
      return estimateDistinct(cell as Distinct);
    case 'histogram':
      return largest(cell as Histogram, feature.k!);
    case 'time_since_last':
    case 'time_since_first':
      return t - (cell as number);
  }
}

/** Features by the partial they are read from, by ascending (offset, window), so that one walk serves them all. */
export function readingsOf(sources: readonly (Source | null)[]): Reading[] {
  const byPartial = new Map<
    string,
    { level: number; partial: number; features: { at: number; feature: AggregateFeatureIR }[] }
  >();
  sources.forEach((source, at) => {
    if (!source) return;
    const { level, partial, feature } = source;
    const key = `${level} ${partial}`;
    const reading = byPartial.get(key) ?? { level, partial, features: [] };
    byPartial.set(key, reading);
    reading.features.push({ at, feature });
  });
  const width = ({ feature }: { feature: AggregateFeatureIR }) => feature.window_ms ?? Number.POSITIVE_INFINITY;
  for (const { features } of byPartial.values()) {
    features.sort((a, b) => a.feature.offset_ms - b.feature.offset_ms || Math.sign(width(a) - width(b)) || 0);
  }
  return [...byPartial.values()];
}

/** The model's input vector: enums by the index of their value, booleans 1 or 0, null (NaN for the model) as it is. */
export function modelInputs(view: FeatureViewIR, model: ModelIR, values: readonly FeatureValue[]): (number | null)[] {
  const index = new Map(view.features.map((feature, i) => [feature.name, i]));
  return model.inputs.map((name) => {
    const at = index.get(name)!;
    const feature = view.features[at]!;
    // Lists are refused as inputs where the model is declared.
    const value = (values[at] ?? null) as Scalar;
    if (typeof value === 'boolean') return value ? 1 : 0;
    if (typeof value !== 'string') return value;
    const code = feature.kind === 'aggregate' ? (feature.enum_values?.indexOf(value) ?? -1) : -1;
    return code < 0 ? null : code;
  });
}
