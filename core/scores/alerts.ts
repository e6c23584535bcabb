/** Whether a score raises an alert, and the reasons for it in plain words. Pure. */
import type { AlertIR, FeatureValue, FeatureViewIR, ModelIR, ReasonIR } from '../ir/document.ts';
import { DAY } from '../values/time.ts';

export interface AlertState {
  /** Whether the next score above the threshold raises an alert. */
  readonly armed: boolean;
  /** `t` of the last alert, ms; null if there was none. */
  readonly last_alert_t: number | null;
}

export const NEVER_ALERTED: AlertState = { armed: true, last_alert_t: null };

/** Once when the score crosses the threshold upwards; again only after it fell below the re-arm level or the cool-down ended. */
export function decide(
  alerts: AlertIR,
  previous: AlertState,
  score: number,
  t: number,
): { next: AlertState; raise: boolean } {
  const cooled = previous.last_alert_t !== null && t - previous.last_alert_t >= alerts.cooldown_ms;
  const armed = previous.armed || score < alerts.rearm_below || cooled;
  if (armed && score > alerts.threshold) return { next: { armed: false, last_alert_t: t }, raise: true };
  return { next: { armed, last_alert_t: previous.last_alert_t }, raise: false };
}

/**
 * The features that push this score up most, in the use case's words. Null values are no reason one could tell.
 * @param contributions log-odds, one a model input. @returns at most `alerts.top_reasons` sentences, strongest first
 */
export function reasons(
  alerts: AlertIR,
  view: FeatureViewIR,
  model: ModelIR,
  values: readonly FeatureValue[],
  contributions: readonly number[],
): string[] {
  const index = new Map(view.features.map((feature, i) => [feature.name, i]));
  return model.inputs
    .map((name, i) => ({
      reason: alerts.reasons[name],
      value: values[index.get(name)!] ?? null,
      push: contributions[i] ?? 0,
    }))
    .filter(
      (one): one is typeof one & { reason: ReasonIR } => one.reason !== undefined && one.value !== null && one.push > 0,
    )
    .sort((a, b) => b.push - a.push)
    .slice(0, alerts.top_reasons)
    .map(({ reason, value }) => reason.text.replaceAll('{value}', format(value, reason.format)));
}

function format(value: FeatureValue, as: ReasonIR['format']): string {
  if (typeof value !== 'number') return String(value);
  switch (as) {
    case 'days':
      return `${(value / DAY).toFixed(value < 10 * DAY ? 1 : 0)} days`;
    case 'money':
      return (value / 100).toFixed(2);
    case 'percent':
      return `${(value * 100).toFixed(0)} %`;
    case 'number':
      return Number.isInteger(value) ? String(value) : value.toFixed(2);
  }
}

/** `{entity_id}` replaced, as it is: who shows it escapes it. */
export function titleOf(alerts: AlertIR, entity_id: string): string {
  return alerts.title.replaceAll('{entity_id}', () => entity_id);
}

/** `{entity_id}` and `{t}` replaced, URL-encoded. */
export function linkOf(alerts: AlertIR, entity_id: string, t: number): string {
  return alerts.link.replaceAll('{entity_id}', () => encodeURIComponent(entity_id)).replaceAll('{t}', String(t));
}
