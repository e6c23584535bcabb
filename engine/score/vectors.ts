/** Vectors as they are served: finalised now, each with the age of its data. */
import type { FeatureValue } from '../../core/ir/document.ts';
import { finalise } from '../../core/state/finalise.ts';
import { inexactFeatures } from '../../core/state/state.ts';
import type { StoredState, Unreadable } from '../ports.ts';
import type { LoadedUseCase } from '../use-case.ts';
import { type Candidate, instantAfter } from './scoring.ts';

export interface VectorAnswer {
  readonly entity_id: string;
  /**
   * `missing`: no event of this entity was ever applied; its counts are 0 and all else is unknown. `unreadable`: what is
   * stored of it can't be read, until the nightly healing.
   */
  readonly status: 'found' | 'missing' | 'unreadable';
  readonly t: number;
  /** ms since the newest event, and since the newest arrival applied; null when missing. */
  readonly event_age_ms: number | null;
  readonly arrival_age_ms: number | null;
  readonly features: Readonly<Record<string, FeatureValue>> | null;
  /** Features that tell an older truth until the nightly healing: an event they hold was retracted. */
  readonly healing: readonly string[];
}

export interface Vector {
  readonly answer: VectorAnswer;
  /** Null where the state is missing or can't be read. */
  readonly candidate: Candidate | null;
  /** In the order of the view's features; empty without a candidate. */
  readonly values: readonly FeatureValue[];
}

/** Features as of `now`, with their age; values are finalised here, whatever the last event's time. */
export function vectorsOf(
  { plan, view }: LoadedUseCase,
  entity_ids: readonly string[],
  stored: ReadonlyMap<string, StoredState>,
  now: number,
  { damaged, unreadable }: { readonly damaged: ReadonlySet<string>; readonly unreadable: Unreadable },
): Vector[] {
  const nothing = { event_age_ms: null, arrival_age_ms: null, features: null, healing: [] };
  return entity_ids.map((entity_id) => {
    const without = (status: 'missing' | 'unreadable') => {
      return { answer: { entity_id, status, t: now, ...nothing }, candidate: null, values: [] };
    };
    const state = stored.get(entity_id)?.state;
    if (!state) return without(damaged.has(entity_id) ? 'unreadable' : 'missing');
    const t = instantAfter(state, now);
    let values: readonly FeatureValue[];
    try {
      values = finalise(plan, state, t);
    } catch (error) {
      unreadable(entity_id, error);
      return without('unreadable');
    }
    return {
      answer: {
        entity_id,
        status: 'found',
        t,
        event_age_ms: t - state.newest_event_time,
        arrival_age_ms: t - state.newest_available_at,
        features: Object.fromEntries(view.features.map((feature, i) => [feature.name, values[i] ?? null])),
        healing: inexactFeatures(plan, state),
      },
      candidate: { entity_id, state, t },
      values,
    };
  });
}
