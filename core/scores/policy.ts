/** What becomes of a raised alert: told at once, kept for its turn, or not told, and by which rule. Pure. */
import type { AlertIR, FeatureValue, FeatureViewIR, TimeZoneIR } from '../ir/document.ts';
import { sha256 } from '../values/hash.ts';
import { DAY } from '../values/time.ts';
import { localTime } from '../values/time-zone.ts';

/** Why nobody was told. */
export const SUPPRESSION_RULES = ['hold_out', 'capacity', 'quiet_hours', 'value', 'recovered', 'guard'] as const;
export type SuppressionRule = (typeof SUPPRESSION_RULES)[number];

/** Share of entities that nobody is told about where the use case does not say. */
export const DEFAULT_HOLD_OUT = 0.1;
/** How long a raised alert waits for its turn, ms: a day has one end of the night and one new capacity. */
export const LONGEST_WAIT = DAY;
/** With fewer scores in its window the guard says nothing: a share of them would be chance. */
const LEAST_GUARDED_SCORES = 50;

/** `told`: at once. `waits`: until the dispatcher's turn. `suppressed`: nobody is told. */
export type Disposition =
  | { readonly as: 'told' }
  | { readonly as: 'waits'; readonly worth: number | null; readonly zone: string | null }
  | { readonly as: 'suppressed'; readonly rule: SuppressionRule };

/** Whether raised alerts wait for their turn, and something has to release them. */
export const hasTurns = ({ capacity_per_day, quiet_hours }: AlertIR): boolean =>
  capacity_per_day !== undefined || quiet_hours !== undefined;

/**
 * Whether nobody is told of this entity, so that it shows what becomes of those who are left alone. By its id and the use
 * case's name alone: the same today and in a year, and for any model.
 */
export function isHeldOut({ hold_out = DEFAULT_HOLD_OUT }: AlertIR, use_case: string, entity_id: string): boolean {
  return shareOf(`${use_case}/hold-out`, entity_id) < hold_out;
}

/** Even over [0, 1): the first 52 bits of sha256 of salt, NUL and entity, both in UTF-8. */
function shareOf(salt: string, entity_id: string): number {
  return Number.parseInt(sha256(`${salt}\0${entity_id}`).slice(0, 13), 16) / 2 ** 52;
}

/**
 * What telling brings on average, in minor units: probability × worth × expected response − cost of contact. Where the use
 * case names no value, every entity is worth 1, so that the probability decides.
 * @param worth minor units; null: unknown, and so nothing
 */
export function expectedValue(
  { value, expected_response = 1, contact_cost = 0 }: AlertIR,
  score: number,
  worth: number | null,
): number {
  return score * (value ? (worth ?? 0) : 1) * expected_response - contact_cost;
}

/** What an entity is worth in minor units, by its features; null where that is not known, or nothing says it. */
function worthOf({ value }: AlertIR, view: FeatureViewIR, values: readonly FeatureValue[]): number | null {
  const found = value && values[view.features.findIndex(({ name }) => name === value.feature)];
  return value && typeof found === 'number' ? found * value.scale : null;
}

/** The zone whose nights are the entity's; null where there are none. */
function zoneOf({ quiet_hours }: AlertIR, view: FeatureViewIR, values: readonly FeatureValue[]): string | null {
  if (!quiet_hours) return null;
  const { zones, zone_feature } = quiet_hours;
  const named = values[view.features.findIndex(({ name }) => name === zone_feature)];
  return (zones.find(({ name }) => name === named) ?? zones[0]!).name;
}

/** A score above the threshold that raised an alert. */
export interface Raised {
  readonly entity_id: string;
  readonly score: number;
  /** Of the view, in its order. */
  readonly values: readonly FeatureValue[];
}

/**
 * What becomes of a raised alert. The hold-out comes last, so that who is held out is who would have been told: where alerts
 * have turns, that shows only then.
 * @param doubted by the guard: too many scores are above the threshold
 */
export function dispositionOf(
  alerts: AlertIR,
  use_case: string,
  view: FeatureViewIR,
  { entity_id, score, values }: Raised,
  doubted: boolean,
): Disposition {
  if (doubted) return { as: 'suppressed', rule: 'guard' };
  const worth = worthOf(alerts, view, values);
  if (expectedValue(alerts, score, worth) <= 0) return { as: 'suppressed', rule: 'value' };
  if (hasTurns(alerts)) return { as: 'waits', worth, zone: zoneOf(alerts, view, values) };
  return isHeldOut(alerts, use_case, entity_id) ? { as: 'suppressed', rule: 'hold_out' } : { as: 'told' };
}

/** Whether it is night in a zone of the use case. @param at ms UTC */
export function isQuiet({ quiet_hours }: AlertIR, zone: string | null, at: number): boolean {
  if (!quiet_hours) return false;
  const { from_ms, to_ms, zones } = quiet_hours;
  const clock = localTime(zones.find(({ name }) => name === zone) ?? (zones[0] as TimeZoneIR), at);
  const time = ((clock % DAY) + DAY) % DAY;
  return from_ms <= to_ms ? from_ms <= time && time < to_ms : time >= from_ms || time < to_ms;
}

/** What of the scores of late lay above the threshold. */
export interface ScoreRate {
  readonly scored: number;
  readonly above: number;
}

/** Whether so many scores are above the threshold that it is the model which is in doubt. */
export function isDoubted({ guard }: AlertIR, { scored, above }: ScoreRate): boolean {
  return guard !== undefined && scored >= LEAST_GUARDED_SCORES && above > guard.share * scored;
}

/** A raised alert that waits. */
export interface WaitingAlert {
  readonly entity_id: string;
  /** Of the score that raised it, ms UTC. */
  readonly t: number;
  /** The entity's newest score, that one or a later one. */
  readonly score: number;
  readonly worth: number | null;
  readonly zone: string | null;
}

/** What is done with one: `release` tells people, `close` writes down why nobody is told. Others go on waiting. */
export type Turn<One extends WaitingAlert> =
  | { readonly alert: One; readonly do: 'release' }
  | { readonly alert: One; readonly do: 'close'; readonly rule: SuppressionRule };

/**
 * Who is told now: by expected value, as many as are left of today's capacity, nobody at night. Who is held out is closed in
 * the place where they would have been told, and takes none of it.
 * @param now ms UTC
 * @param left of today's capacity; it counts only where the use case has one
 * @param doubted by the guard: nobody is told
 */
export function turnsOf<One extends WaitingAlert>(
  alerts: AlertIR,
  use_case: string,
  waiting: readonly One[],
  now: number,
  left: number,
  doubted: boolean,
): Turn<One>[] {
  const close = (alert: One, rule: SuppressionRule): Turn<One> => ({ alert, do: 'close', rule });
  const turns: Turn<One>[] = [];
  let free = alerts.capacity_per_day === undefined ? Number.POSITIVE_INFINITY : left;
  const value = (alert: One) => expectedValue(alerts, alert.score, alert.worth);
  const ranked = waiting
    .map((alert) => ({ alert, value: value(alert) }))
    .sort((a, b) => b.value - a.value || a.alert.t - b.alert.t || (a.alert.entity_id < b.alert.entity_id ? -1 : 1));
  for (const { alert, value } of ranked) {
    const late = now - alert.t >= LONGEST_WAIT;
    if (alert.score <= alerts.threshold) turns.push(close(alert, 'recovered'));
    else if (value <= 0) turns.push(close(alert, 'value'));
    else if (doubted) turns.push(...(late ? [close(alert, 'guard')] : []));
    else if (isQuiet(alerts, alert.zone, now)) turns.push(...(late ? [close(alert, 'quiet_hours')] : []));
    else if (free <= 0) turns.push(...(late ? [close(alert, 'capacity')] : []));
    else if (isHeldOut(alerts, use_case, alert.entity_id)) turns.push(close(alert, 'hold_out'));
    else {
      free--;
      turns.push({ alert, do: 'release' });
    }
  }
  return turns;
}

/** Who is held out, or not worth it, counts as told; of any other the next score above the threshold raises an alert again. */
export const armsAgain = (rule: SuppressionRule): boolean => rule !== 'hold_out' && rule !== 'value';
