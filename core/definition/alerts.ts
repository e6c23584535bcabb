/** When people hear of a score, and in which words. */

import type { AlertIR, ReasonIR } from '../ir/document.ts';
import { DefinitionError } from '../ir/errors.ts';
import { HOUR, MINUTE, parseDuration } from '../values/time.ts';
import { timeZoneOf } from '../values/time-zone.ts';
import { checkAlerts } from './check-learning.ts';
import { type Feature, type FeatureNames, nameOf } from './feature.ts';
import type { Input } from './model.ts';
import { FEATURE } from './symbols.ts';

/** Plain words for a feature that pushes the score up. */
export interface ReasonSpec {
  readonly of: Input;
  /** `{value}` is replaced by the feature's value. */
  readonly text: string;
  /** How the value is written: plain number, days from ms, money from minor units, or percent of a ratio. */
  readonly format: ReasonIR['format'];
}

/** When nobody is told of an entity: it is night there. */
export interface QuietHoursSpec {
  /** `21:00`, by the clock on the wall; inclusive. */
  readonly from: string;
  /** `08:00`; exclusive. Before `from`, the night lies over midnight. */
  readonly to: string;
  /** `Europe/Berlin`, or a feature with the zone of each entity: an enum of such names. */
  readonly zone: string | { readonly of: Feature<'string'>; readonly otherwise: string };
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
  /** Alerts a UTC day, at most: those of the highest expected value. @default - all, each at once */
  readonly capacityPerDay?: number;
  /** What an entity is worth: a feature × `scale` in minor units; null is worth nothing. @default - all the same */
  readonly value?: { readonly of: Feature<'int' | 'float'>; readonly scale?: number };
  /** Share of those told about whom telling keeps, 0 to 1. @default 1 */
  readonly expectedResponse?: number;
  /** What one contact costs, in minor units; who is expected to bring less is left alone. @default 0 */
  readonly contactCost?: number;
  /** @default - people are told at any time */
  readonly quietHours?: QuietHoursSpec;
  /** Above this share of scores over the threshold in the window nobody is told but who operates the model. @default - any share is believed */
  readonly guard?: { readonly share: number; readonly window: string };
  /** Share of entities that nobody is told about, by chance, so that what telling brings can be seen; 0: none. @default 0.1 */
  readonly holdOut?: number;
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
    ...policyOf(alerts, names),
  };
}

/** Who is told, and when; a member that nobody wrote is not in the document. */
function policyOf(alerts: AlertSpec, names: FeatureNames): Partial<AlertIR> {
  const { capacityPerDay, value, expectedResponse, contactCost, quietHours, guard, holdOut } = alerts;
  return {
    ...(capacityPerDay !== undefined && { capacity_per_day: capacityPerDay }),
    ...(value && { value: { feature: nameOf(value.of, names, 'alerts.value'), scale: value.scale ?? 1 } }),
    ...(expectedResponse !== undefined && { expected_response: expectedResponse }),
    ...(contactCost !== undefined && { contact_cost: contactCost }),
    ...(quietHours && { quiet_hours: quietHoursOf(quietHours, names) }),
    ...(guard && { guard: { share: guard.share, window_ms: parseDuration(guard.window, 'alerts.guard.window') } }),
    ...(holdOut !== undefined && { hold_out: holdOut }),
  };
}

function quietHoursOf({ from, to, zone }: QuietHoursSpec, names: FeatureNames): NonNullable<AlertIR['quiet_hours']> {
  const at = 'alerts.quietHours';
  const hours = { from_ms: timeOfDay(from, `${at}.from`), to_ms: timeOfDay(to, `${at}.to`) };
  if (typeof zone === 'string') return { ...hours, zones: [timeZoneOf(zone, `${at}.zone`)] };
  const compiled = zone.of[FEATURE].compile(nameOf(zone.of, names, `${at}.zone.of`), names);
  const named = (compiled.kind === 'aggregate' && compiled.enum_values) || [];
  if (named.length === 0)
    throw new DefinitionError(
      `${at}.zone.of`,
      'a feature without a list of values',
      'the last value of an enum of zones',
    );
  const all = [...new Set([zone.otherwise, ...named])];
  return { ...hours, zones: all.map((one) => timeZoneOf(one, `${at}.zone`)), zone_feature: compiled.name };
}

/** ms after midnight. */
function timeOfDay(text: string, at: string): number {
  const [, hours = '', minutes = ''] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hours === '') throw new DefinitionError(at, `'${text}'`, 'a time of the day, such as 21:00');
  return Number(hours) * HOUR + Number(minutes) * MINUTE;
}
