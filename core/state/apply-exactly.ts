/** Applying events to a state whose sums may be full: what it can't hold is refused alone, the rest is taken. */
import { InexactSumError } from '../aggregates/sum.ts';
import type { CanonicalEvent } from '../ir/document.ts';
import type { ViewPlan } from './plan.ts';
import { type Applied, type ApplyOptions, applyEvents, type EntityState } from './state.ts';

export interface AppliedExactly extends Applied {
  /** Events that would take a sum beyond ±(2^53 − 1), in their order: the state is as if they had never come. */
  readonly refused: readonly CanonicalEvent[];
}

/**
 * As `applyEvents`, but an event that no exact sum can hold is left out and told. Whatever the batches, the same events are
 * refused: each is judged after those before it. Costs nothing where nothing is refused.
 */
export function applyExactly(
  plan: ViewPlan,
  state: EntityState,
  events: readonly CanonicalEvent[],
  options?: ApplyOptions,
): AppliedExactly {
  try {
    return { ...applyEvents(plan, state, events, options), refused: [] };
  } catch (error) {
    if (!(error instanceof InexactSumError)) throw error;
  }
  if (events.length === 1) return { state, applied: 0, duplicates: [], skipped: 0, refused: events };
  const middle = events.length >> 1;
  // The halves may share a record, and with it a position.
  const within = { before: state.watermarks, ...options };
  const first = applyExactly(plan, state, events.slice(0, middle), within);
  const second = applyExactly(plan, first.state, events.slice(middle), within);
  return {
    state: second.state,
    applied: first.applied + second.applied,
    duplicates: [...first.duplicates, ...second.duplicates],
    skipped: first.skipped + second.skipped,
    refused: [...first.refused, ...second.refused],
  };
}
