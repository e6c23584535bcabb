/** When people hear of a score, and in which words. */

import type { AlertIR, ReasonIR } from '../ir/document.ts';
import { parseDuration } from '../values/time.ts';
import { checkAlerts } from './check-learning.ts';
import { type FeatureNames, nameOf } from './feature.ts';
import type { Input } from './model.ts';

/** Plain words for a feature that pushes the score up. */
export interface ReasonSpec {
  readonly of: Input;
  /** `{value}` is replaced by the feature's value. */
  readonly text: string;
  /** How the value is written: plain number, days from ms, money from minor units, or percent of a ratio. */
  readonly format: ReasonIR['format'];
}

export interface AlertSpec {
  readonly name: string;
  readonly threshold: number;
  /** The entity can alert again only after its score fell below this … */
  readonly rearmBelow: number;
  /** … or after this long, such as `28d`. */
  readonly cooldown: string;
  /** How many reasons an alert names at most. */
  readonly topReasons: number;
  readonly title: string;
  /** `{entity_id}` and `{t}` are replaced (URL-encoded). */
  readonly link: string;
  /** @default - none */
  readonly reasons?: readonly ReasonSpec[];
}

/** @param names of the features of the model's view. @throws DefinitionError */
export function compileAlerts(alerts: AlertSpec, names: FeatureNames): AlertIR {
  checkAlerts(alerts);
  const { name, threshold, title, link, reasons = [] } = alerts;
  return {
    name,
    threshold,
    rearm_below: alerts.rearmBelow,
    cooldown_ms: parseDuration(alerts.cooldown, 'alerts.cooldown'),
    top_reasons: alerts.topReasons,
    title,
    link,
    reasons: Object.fromEntries(
      reasons.map(({ of, text, format }, i) => [nameOf(of, names, `alerts.reasons.${i}`), { text, format }]),
    ),
  };
}
