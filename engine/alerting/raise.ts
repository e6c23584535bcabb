/** From a score to the alert that it raises, and what becomes of it. */
import { type AlertState, decide, linkOf, titleOf } from '../../core/scores/alerts.ts';
import { dispositionOf, isDoubted, type SuppressionRule } from '../../core/scores/policy.ts';
import type { AlertRecord, Prediction, ScoreRates } from '../ports.ts';
import type { LoadedUseCase } from '../use-case.ts';

/** What became of the alerts of some scores. */
export interface AlertCounts {
  /** Written to the outbox. */
  readonly told: number;
  readonly waiting: number;
  readonly suppressed: Readonly<Partial<Record<SuppressionRule, number>>>;
}

/** Whether the score raises an alert; never in a use case without alerts. @param doubted see `doubts` */
export function raise(
  { ir: { alerts, name }, view }: LoadedUseCase,
  prediction: Prediction,
  before: AlertState,
  doubted: boolean,
): { readonly next: AlertState; readonly alert: AlertRecord | null } {
  if (!alerts) return { next: before, alert: null };
  const { entity_id, t, score, prediction_id } = prediction;
  const { next, raise: raised } = decide(alerts, before, score, t);
  if (!raised) return { next, alert: null };
  const disposition = dispositionOf(alerts, name, view, prediction, doubted);
  const alert = {
    alert_id: prediction_id,
    title: titleOf(alerts, entity_id),
    link: linkOf(alerts, entity_id, t),
    disposition,
  };
  // Nobody was told because the model is in doubt: once it is not, the entity must not be silent for the cool-down.
  return { next: doubted ? { ...before, armed: true } : next, alert };
}

/** Counts scores for the guard. @returns whether the model is in doubt; never without a guard, which counts nothing */
export async function doubts(
  { ir: { alerts } }: LoadedUseCase,
  rates: ScoreRates | undefined,
  predictions: readonly Prediction[],
): Promise<boolean> {
  if (!alerts?.guard || !rates) return false;
  const t = Math.max(...predictions.map((one) => one.t));
  const above = predictions.filter(({ score }) => score > alerts.threshold).length;
  return isDoubted(alerts, await rates.add(t, { scored: predictions.length, above }, alerts.guard.window_ms));
}

/** @param raised of each score, null where it raised none */
export function countAlerts(raised: readonly (AlertRecord | null)[]): AlertCounts {
  const suppressed: Partial<Record<SuppressionRule, number>> = {};
  let [told, waiting] = [0, 0];
  for (const alert of raised) {
    if (alert?.disposition.as === 'told') told++;
    else if (alert?.disposition.as === 'waits') waiting++;
    else if (alert) suppressed[alert.disposition.rule] = (suppressed[alert.disposition.rule] ?? 0) + 1;
  }
  return { told, waiting, suppressed };
}
