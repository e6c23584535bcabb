import { InvalidArgumentError } from 'commander';
import { DAY } from '../../../core/values/time.ts';

/** From a Monday, inclusive, to the next one, both 00:00 UTC, ms. */
export interface Week {
  readonly from: number;
  readonly to: number;
}

/** 1 January 1970 was a Thursday. */
const MONDAY = 4 * DAY;

/** The week of an instant. @param at ms UTC */
export function weekOf(at: number): Week {
  const from = Math.floor((at - MONDAY) / (7 * DAY)) * 7 * DAY + MONDAY;
  return { from, to: from + 7 * DAY };
}

/** The last week that is over. @param now ms UTC */
export const lastWeek = (now: number): Week => weekOf(now - 7 * DAY);

/** A day as people write it, ms UTC. @throws InvalidArgumentError */
export function dayOption(text: string): number {
  const at = Date.parse(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || new Date(at).toISOString().slice(0, 10) !== text)
    throw new InvalidArgumentError('allowed is a day such as 2026-11-03.');
  return at;
}
