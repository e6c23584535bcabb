/** That an entity was scored in an experiment: told once, with the first score. */
import { sha256 } from '../../core/values/hash.ts';
import { dayOf, objectKey } from '../../names/lake.ts';
import type { JsonLinesSink, Prediction, StoredScore } from '../ports.ts';
import type { Assigned } from './assigning.ts';

/** A line of the lake. Times in ms UTC. */
export interface Exposure {
  readonly experiment: string;
  readonly entity_id: string;
  /** A variant, or `hold_out`. */
  readonly variant: string;
  /** Of the score: what comes of it is counted from here. */
  readonly t: number;
  readonly model_version: string;
  readonly definition_hash: string;
  /** By the wall clock. */
  readonly exposed_at: number;
}

/**
 * Writes what is not known to be written. An entity's score remembers the experiment it was exposed in; where that is lost,
 * or two score it at once, a line comes twice, and the earliest counts. Before the scores: one that is stored has its line.
 */
export async function expose(
  lake: JsonLinesSink,
  predictions: readonly Prediction[],
  candidates: readonly { readonly entity_id: string; readonly assigned?: Assigned }[],
  stored: ReadonlyMap<string, StoredScore>,
): Promise<void> {
  const arms = new Map(candidates.map(({ entity_id, assigned }) => [entity_id, assigned?.arm]));
  const exposures = predictions.flatMap((one): Exposure[] => {
    const { experiment, entity_id, t, model_version, definition_hash, scored_at } = one;
    const variant = arms.get(entity_id);
    if (experiment === null || !variant || stored.get(entity_id)?.experiment === experiment) return [];
    return [{ experiment, entity_id, variant, t, model_version, definition_hash, exposed_at: scored_at }];
  });
  if (exposures.length > 0) await lake.put(exposuresKey(exposures), exposures);
}

/** The same exposures have the same key on the same day: a repeat overwrites. */
function exposuresKey(exposures: readonly Exposure[]): string {
  const id = sha256(exposures.map(({ experiment, entity_id, t }) => `${experiment} ${t} ${entity_id}`).join('\n'));
  return objectKey('exposures', { day: dayOf(exposures[0]!.exposed_at), id: id.slice(0, 32) });
}
