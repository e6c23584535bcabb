import { z } from 'zod';
import { isEntityId, MAX_ENTITY } from '../../core/admission/admit.ts';
import type { FeatureValue } from '../../core/ir/document.ts';
import { issuesOf } from '../../core/ir/issues.ts';
import { finalise } from '../../core/state/finalise.ts';
import { inexactFeatures } from '../../core/state/state.ts';
import type { StoredState, Unreadable } from '../../engine/ports.ts';
import { type Candidate, instantAfter } from '../../engine/score/scoring.ts';
import type { LoadedUseCase } from '../../engine/use-case.ts';

export const MAX_ENTITIES = 100;

export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: object;
}

/** What no event can be about, nobody can be asked about. */
const entityId = z
  .string()
  .refine(isEntityId, `an entity id, a string of 1 to ${MAX_ENTITY} characters that does not start with #`);
const IDS = `1 to ${MAX_ENTITIES} entity ids`;
const requestSchema = z.strictObject({ entity_ids: z.array(entityId, IDS).min(1, IDS).max(MAX_ENTITIES, IDS) });

/** @throws BadRequestError with one sentence that names the field and what is allowed */
export function parseRequest(body: string): { entity_ids: string[] } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new BadRequestError('body: found no JSON; allowed: {"entity_ids": ["…"]}.');
  }
  const parsed = requestSchema.safeParse(json);
  if (parsed.success) return { entity_ids: [...new Set(parsed.data.entity_ids)] };
  const { field, found, allowed } = issuesOf(parsed.error, json)[0]!;
  throw new BadRequestError(`${field || 'body'}: found ${found}; allowed: ${allowed}.`);
}

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

/** Features as of `now`, with their age; values are finalised here, whatever the last event's time. */
export function vectorsOf(
  { plan, view }: LoadedUseCase,
  entity_ids: readonly string[],
  stored: ReadonlyMap<string, StoredState>,
  now: number,
  { damaged, unreadable }: { readonly damaged: ReadonlySet<string>; readonly unreadable: Unreadable },
): { answer: VectorAnswer; candidate: Candidate | null }[] {
  const nothing = { event_age_ms: null, arrival_age_ms: null, features: null, healing: [] };
  return entity_ids.map((entity_id) => {
    const without = (status: 'missing' | 'unreadable') => {
      return { answer: { entity_id, status, t: now, ...nothing }, candidate: null };
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
    };
  });
}
