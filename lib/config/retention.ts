import { z } from 'zod';
import type { AggregateFeatureIR, FeatureViewIR, UseCaseIR } from '../../core/ir/document.ts';
import { DAY } from '../../core/values/time.ts';
import { ConfigError } from './config-error.ts';

const days = z.int().min(1).max(36_500);

/** How long personal data stays, in days. What each covers is one table: docs/retention.md. */
export const retention = z.strictObject({
  /** Events: history files, archive, table `events`. Absent: as long as the stage, as features over a lifetime need. */
  eventsDays: days.optional(),
  /** Refused records with their raw bytes. */
  quarantineDays: days,
  /** Served vectors. */
  predictionsDays: days,
  /** Scores and alerts, from the last write of each. */
  scoresDays: days,
  /** Training sets, and the tags that keep their snapshots. */
  trainingSetsDays: days,
  /** Reports of checks and healing: counts, and pseudonyms as examples. */
  reportsDays: days,
});
export type Retention = Readonly<z.infer<typeof retention>>;

/** A state goes two days after its last window, and DynamoDB collects it within days: no event of it may go before. */
const SLACK_DAYS = 7;

/**
 * Refuses to let go what is needed still.
 * @throws ConfigError naming the field, the feature that needs more and what is allowed
 */
export function requireEnough(source: string, kept: Retention, { views, alerts }: UseCaseIR): void {
  const faults = [...views.flatMap((view) => eventFaults(kept, view)), ...(alerts ? scoreFaults(kept, alerts) : [])];
  if (faults.length > 0) throw new ConfigError(source, faults);
}

function eventFaults({ eventsDays, predictionsDays }: Retention, view: FeatureViewIR): string[] {
  if (eventsDays === undefined) return [];
  const aggregates = view.features.filter((feature) => feature.kind === 'aggregate');
  const lifetime = aggregates.find(({ window_ms }) => window_ms === null);
  if (lifetime)
    return [
      `retention.eventsDays: found ${eventsDays}, but ${view.name}.${lifetime.name} is over a lifetime; allowed: to leave it out, or a feature with a window`,
    ];
  const reach = (of: AggregateFeatureIR) => of.offset_ms + (of.window_ms ?? 0);
  const [widest] = aggregates.sort((a, b) => reach(b) - reach(a));
  const remembered = Math.max(view.dedupe.horizon_ms, view.retractions?.horizon_ms ?? 0);
  const reached = Math.ceil(Math.max(widest ? reach(widest) : 0, remembered) / DAY);
  const needed = reached + SLACK_DAYS;
  // A served vector is replayed from the events that it was made of, and a state is compared with all that it holds: it
  // reaches back from its last event, after which it stays as long again.
  const least = needed + Math.max(predictionsDays, reached);
  if (eventsDays >= least) return [];
  const after =
    predictionsDays >= reached
      ? `${predictionsDays} for its predictions (predictionsDays)`
      : `${reached} for its states, which stay as long after their last event`;
  return [
    `retention.eventsDays: found ${eventsDays}; allowed: at least ${least}, which are ${needed} for ${view.name}.${widest?.name ?? 'dedupe'} and ${after}`,
  ];
}

function scoreFaults({ scoresDays }: Retention, { cooldown_ms }: NonNullable<UseCaseIR['alerts']>): string[] {
  const least = Math.ceil(cooldown_ms / DAY) + 1;
  return scoresDays >= least
    ? []
    : [`retention.scoresDays: found ${scoresDays}; allowed: at least ${least}, the cool-down of alerts and a day`];
}
