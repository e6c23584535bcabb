/** From a state to a feature vector at the reader's own `t`: counts fall and recency grows with no new event. */
import type { Aggregation } from '../aggregates/aggregation.ts';
import { InexactSumError } from '../aggregates/sum.ts';
import type { AggregateFeatureIR, FeatureValue } from '../ir/document.ts';
import { evaluate } from '../values/expr.ts';
import { floorTo, windowStart } from '../values/time.ts';
import type { Reading, ViewPlan, Window } from './plan.ts';
import type { EntityState } from './state.ts';
import type { Tiles } from './tiles.ts';

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
  for (const reading of plan.readings) readLevel(plan, state, reading, t, out);
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    if (feature.kind === 'derived') {
      out[i] = evaluate(feature.expr, (name) => out[plan.places.get(name)!]!);
    }
  }
  return out;
}

/**
 * One walk from the newest tile back serves all windows of a partial: where a wider window has the same right edge as the
 * one before, it goes on from what that one merged.
 */
function readLevel(
  plan: ViewPlan,
  state: EntityState,
  { level, windows, partials }: Reading,
  t: number,
  out: FeatureValue[],
) {
  const tiles = state.levels[level]!;
  const ranges = windows.map((window) => rangeOf(tiles, window, t));
  const all = tiles.newest;
  for (const { partial, features, newestWins, merge: ofWindow } of partials) {
    const merge = ofWindow ?? plan.levels[level]!.partials[partial]!.partial.merge;
    let merged: unknown = null;
    let next = 0;
    let offset = -1;
    for (const { at, feature, aggregation, window } of features) {
      const range = ranges[window]!;
      if (feature.offset_ms !== offset) {
        offset = feature.offset_ms;
        merged = null;
        next = range.first;
      }
      try {
        for (; next < range.end && !(newestWins && merged !== null); next++) {
          const cell = all[next]!.cells[partial];
          if (cell !== null) merged = merged === null ? cell : merge(merged, cell);
        }
        out[at] = finaliseCell(aggregation, feature, merged, t);
      } catch (error) {
        if (!(error instanceof InexactSumError)) throw error;
        const cells = all.slice(range.first, range.end).map((tile) => tile.cells[partial]);
        out[at] = finaliseFar(aggregation, feature, cells, t);
        // The next window begins anew.
        offset = -1;
      }
    }
  }
}

/** The places of a window's tiles among all of its level, newest first. */
function rangeOf(tiles: Tiles, { window_ms, offset_ms, hop_ms }: Window, t: number): { first: number; end: number } {
  const from = window_ms === null ? 0 : windowStart(t, offset_ms + window_ms, hop_ms!);
  const end = tiles.countSince(from);
  return { first: offset_ms === 0 ? 0 : tiles.countSince(floorTo(t - offset_ms, hop_ms!)), end };
}

/** Where a sum of some tiles left the exact range: null if that of all of them does, too, as what can't be told is. */
function finaliseFar(
  aggregation: Aggregation<unknown>,
  feature: AggregateFeatureIR,
  cells: readonly unknown[],
  t: number,
): FeatureValue {
  const cell = aggregation.total!(cells.filter((cell) => cell !== null));
  return cell === null ? null : aggregation.finalise(cell, feature, t);
}

function finaliseCell(
  { finalise, empty }: Aggregation<unknown>,
  feature: AggregateFeatureIR,
  cell: unknown,
  t: number,
): FeatureValue {
  return cell === null ? (empty ?? null) : finalise(cell, feature, t);
}
