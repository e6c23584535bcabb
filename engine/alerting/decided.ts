/** What the lake keeps of alerts: each that was raised with what became of it, and what people said of it. */
import { sha256 } from '../../core/values/hash.ts';
import { dayOf, objectKey } from '../../names/lake.ts';
import type { JsonLinesSink } from '../ports.ts';
import type { Outcome } from './outcome.ts';

/** A raised alert at its end. */
export interface DecidedAlert {
  readonly alert_id: string;
  readonly entity_id: string;
  /** Of the score that raised it, ms UTC. */
  readonly t: number;
  readonly score: number;
  readonly variant: string;
  readonly model_version: string;
  readonly definition_hash: string;
  readonly trigger: string;
  /** By which rule nobody was told; null: people were. */
  readonly rule: string | null;
  /** ms UTC, by the wall clock. */
  readonly decided_at: number;
}

/**
 * Writes both. A batch that comes again in other parts writes some lines twice: they are merged by their ids.
 * @param at when the first of them was written, ms UTC
 */
export async function keepDecided(
  sink: JsonLinesSink,
  alerts: readonly DecidedAlert[],
  outcomes: readonly Outcome[],
  at: number,
): Promise<void> {
  const key = (ids: readonly string[]) => ({ day: dayOf(at), id: sha256(ids.join('\n')).slice(0, 32) });
  if (alerts.length > 0) await sink.put(objectKey('alerts', key(alerts.map((one) => one.alert_id))), alerts);
  if (outcomes.length > 0) await sink.put(objectKey('outcomes', key(outcomes.map((one) => one.outcome_id))), outcomes);
}
