/** What a week of scores and alerts comes to by list prices: what grows with use, and the machines that wait for it. */
import type { StageConfig } from '../../../lib/config/stage-config.ts';
import type { WeekFigures } from './figures.ts';
import { PRICES } from './prices.ts';
import type { ScoredWeek } from './read.ts';

export interface CostLine {
  readonly what: string;
  readonly count: number;
  /** USD; null where the price list here has no price. */
  readonly usd: number | null;
}

export interface Costs {
  readonly lines: readonly CostLine[];
  readonly region: string;
  readonly as_of: string;
}

const HOURS = 7 * 24;
/** A transaction writes each of its items twice; an alert is two items, then three changes of one. */
const WRITES_AN_ALERT = 2 * 2 + 3;

/** @param endpoint the machines that score */
export function costsOf(
  scored: ScoredWeek,
  { fates }: Pick<WeekFigures, 'fates'>,
  endpoint: Pick<StageConfig['endpoint'], 'instanceType' | 'instances'>,
): Costs {
  const alerts = Object.values(fates).reduce((sum, count) => sum + count, 0);
  const line = (what: string, count: number, per_million: number): CostLine => ({
    what,
    count,
    usd: (count / 1_000_000) * per_million,
  });
  const hour = PRICES.instance_hour[endpoint.instanceType];
  const hours = HOURS * endpoint.instances;
  return {
    region: PRICES.region,
    as_of: PRICES.as_of,
    lines: [
      { what: `hours of ${endpoint.instanceType}`, count: hours, usd: hour === undefined ? null : hours * hour },
      line('scores read', scored.predictions, PRICES.per_million_reads),
      line('scores written', scored.predictions, PRICES.per_million_writes),
      line('writes of alerts', alerts * WRITES_AN_ALERT, PRICES.per_million_writes),
      line('objects of predictions', scored.objects, PRICES.per_million_puts),
      line('calls of publisher and notifier', (fates.told ?? 0) * 2, PRICES.per_million_calls),
    ],
  };
}
