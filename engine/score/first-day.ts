/** Before anybody was ever scored, a missing fence or endpoint is the first day; after it, an outage. */
import { ScoreRefusedError } from '../ports.ts';

/** Whether anybody was ever scored. */
export interface FirstScore {
  happened(): Promise<boolean>;
  /** May be told again and again. */
  record(): Promise<void>;
}

/**
 * What is waited for on the first day, from a deployment to the first model: history, then a model. No alarm may ring for it.
 * @returns null for every other error, and once somebody was scored
 */
export async function firstDay(error: unknown, first: FirstScore): Promise<ScoreRefusedError | null> {
  if (!(error instanceof ScoreRefusedError) || error.kind !== 'not_ready') return null;
  return (await first.happened()) ? null : error;
}
