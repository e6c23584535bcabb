/**
 * Local times of a declared zone. Which offset held when is decided once, where the contract is defined, and stands in the
 * document: engines whose own time zone data differ would else read one text as two instants.
 */

import type { TimeZoneIR } from '../ir/document.ts';
import { DefinitionError } from '../ir/errors.ts';
import { DAY } from './time.ts';

/** Offsets are looked up from here … (a zone may be a day behind UTC at the first instant of 1970) */
const FIRST = -DAY;
/** … to here. Later local times keep the last offset. */
const LAST = Date.UTC(2100, 0, 1);
/** No offset ever held for less than this and was then taken back (Ramadan in Morocco and Egypt: a month). */
const STEP = 7 * DAY;

/** A quarter of a second each: the contracts of a source share one. */
const KNOWN = new Map<string, TimeZoneIR>();

/** @param name of the IANA time zone database. @throws DefinitionError naming `field` */
export function timeZoneOf(name: string, field: string): TimeZoneIR {
  const known = KNOWN.get(name);
  if (known) return known;
  const offsetAt = offsets(name, field);
  let offset = offsetAt(FIRST);
  const found: [from: number, offset_ms: number][] = [[FIRST, offset]];
  for (let from = FIRST; from < LAST; from += STEP) {
    const next = offsetAt(from + STEP);
    if (next !== offset) found.push([firstWith(offsetAt, from, from + STEP), next]);
    offset = next;
  }
  const zone = { name, offsets: found };
  KNOWN.set(name, zone);
  return zone;
}

/** The first instant in (from, to] that has the offset of `to`; all changes of offset happen at a full second. */
function firstWith(offsetAt: (instant: number) => number, from: number, to: number): number {
  const offset = offsetAt(to);
  let [low, high] = [from, to];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offsetAt(middle) === offset) high = middle;
    else low = middle;
  }
  return high;
}

function offsets(name: string, field: string): (instant: number) => number {
  let clock: Intl.DateTimeFormat;
  try {
    // Newer engines take offsets such as +01:00 for a zone; older ones don't, and a source with an offset needs no zone.
    if (!/^[A-Za-z]/.test(name)) throw new RangeError();
    clock = new Intl.DateTimeFormat('en-GB', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  } catch {
    throw new DefinitionError(field, `'${name}'`, 'a name of the IANA time zone database, such as Europe/London');
  }
  return (instant) => {
    const parts: Record<string, number> = {};
    for (const { type, value } of clock.formatToParts(instant)) parts[type] = Number(value);
    const { year, month, day, hour, minute, second } = parts;
    return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) - instant;
  };
}

/**
 * Reads local times: ms of the clock on the wall, as if it showed UTC, → ms UTC.
 *
 * Where clocks go forward, a time that never was is read with the offset before (01:30 in London on the last Sunday of
 * March is 01:30 UTC, an hour later than it says); where they go back, a time that was twice is the first of the two. This
 * is what RFC 5545 (iCalendar), java.time and Temporal ("compatible") do.
 */
export function localClock({ offsets: known }: TimeZoneIR): (local_ms: number) => number {
  // A new offset holds for local times from where both offsets say that it has come.
  const from = known.map(([instant, offset], i) => instant + Math.max(offset, known[i - 1]?.[1] ?? offset));
  return (local_ms) => {
    let [low, high] = [0, from.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (from[middle]! <= local_ms) low = middle;
      else high = middle;
    }
    return local_ms - known[low]![1];
  };
}

/** What the clock on the wall shows, as if it showed UTC, ms. @param at ms UTC */
export function localTime({ offsets: known }: TimeZoneIR, at: number): number {
  const later = known.findIndex(([from]) => from > at);
  return at + known.at(later < 0 ? -1 : Math.max(0, later - 1))![1];
}
