import { DAY } from '../../core/values/time.ts';

/**
 * Whether to score an entity now. Never scored: yes. Looked at all the time: when its score is a day old. Looked at once a day:
 * unless it was scored in the interval before, for the next look comes a day from now; so no score gets older than a day and
 * an interval either way.
 * @param now ms UTC. @param interval_ms between two runs of slices; null: a run over everybody
 */
export function isDue(last: { readonly t: number } | undefined, now: number, interval_ms: number | null): boolean {
  return last === undefined || last.t <= now - (interval_ms ?? DAY);
}
