import type { SuppressionRule } from '../../core/scores/policy.ts';
import { DIMENSION, METRIC } from '../../names/metrics.ts';
import type { Telemetry } from './telemetry.ts';

/** Counts what became of alerts, also by the rule that told nobody. @returns how many nobody was told of */
export function countSuppressed(
  telemetry: Telemetry,
  suppressed: Readonly<Partial<Record<SuppressionRule, number>>>,
  doubted: boolean,
): number {
  const rules = Object.entries(suppressed);
  const total = rules.reduce((sum, [, count]) => sum + count, 0);
  if (total > 0) telemetry.count(METRIC.alertsSuppressed, total);
  for (const [rule, count] of rules) telemetry.countBy(METRIC.alertsSuppressed, DIMENSION.rule, rule, count);
  if (doubted) {
    telemetry.count(METRIC.modelDoubted);
    telemetry.warn('too many scores are above the threshold: nobody is told of a customer', { suppressed: total });
  }
  return total;
}
