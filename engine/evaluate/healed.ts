import type { CanonicalEvent } from '../../core/ir/document.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import { applyEvents, type EntityState, emptyState } from '../../core/state/state.ts';

/**
 * What the nightly job puts in place of a state that could not tell the whole truth: built anew from the entity's events, by
 * the same engine, with all retractions known before what they retract.
 * @param facts every event once, in order of arrival
 * @param read_at see ApplyOptions
 */
export function rebuilt(plan: ViewPlan, facts: readonly CanonicalEvent[], read_at: number | undefined): EntityState {
  const retracting = new Set(plan.ledger?.retractions.rules.map((rule) => rule.event_type));
  const late = (event: CanonicalEvent) => (retracting.has(event.event_type) ? 0 : 1);
  const ordered = [...facts]
    .sort((a, b) => late(a) - late(b))
    .map((event, i) => ({ ...event, shard_id: '', sequence_number: String(i + 1) }));
  // One batch: a ledger forgets only when a batch ends, so nothing was forgotten, and no flag means anything.
  const { state } = applyEvents(plan, emptyState(plan), ordered, { read_at });
  return { ...state, inexact: [] };
}

/** As the store would give it back. */
export function throughBytes(plan: ViewPlan, state: EntityState): EntityState {
  return decodeState(plan, encodeState(plan, state), state.watermarks);
}
