/** Instants and durations: integer ms UTC; text only at the edges. */

import { DefinitionError, shown, typeName } from '../ir/errors.ts';
import { type Parsed, parseDecimal } from './decimal.ts';

/** How a source writes an instant. */
export const TIMESTAMP_FORMATS = ['iso8601', 'epoch_s', 'epoch_ms'] as const;
export type TimestampFormat = (typeof TIMESTAMP_FORMATS)[number];

export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;
/** 9999-12-31T23:59:59.999Z: the last instant that ISO text with four year digits can say. */
export const MAX_TIME = 253_402_300_799_999;

/** ISO 8601 and what databases make of it: a blank for the T and before the zone, +00, a comma, UTC for Z. */
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?: ?(?:(Z|z|UTC|GMT)|([+-])(\d{2})(?::?(\d{2}))?))?$/;
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: MINUTE, h: HOUR, d: DAY };

/** ms of a clock on a wall, as if it showed UTC, → ms UTC. */
export type LocalClock = (local_ms: number) => number;

/**
 * Parses a timestamp by its declared format. Parts below a ms are cut off, whatever the format: an event never moves into
 * the next hour, nor past its own arrival. 1970 to 9999 only.
 * @param local reads ISO text without a zone. @default - it is refused
 */
export function parseTimestamp(input: unknown, format: TimestampFormat, local?: LocalClock): Parsed {
  const parsed =
    format === 'iso8601' ? parseIso(input, local) : parseDecimal(input, format === 'epoch_s' ? 3 : 0, 'down');
  if ('error' in parsed) {
    return {
      error: 'INVALID_FIELD',
      detail: `found ${typeName(input)} that is not a time in ${format}; allowed: ${hint(format)}`,
    };
  }
  if (parsed.value < 0 || parsed.value > MAX_TIME) {
    return { error: 'INVALID_FIELD', detail: `found a time out of range; allowed: 1970 to 9999` };
  }
  return parsed;
}

function hint(format: TimestampFormat): string {
  return format === 'iso8601' ? 'ISO-8601 with a zone, such as 2017-01-31T09:30:00Z' : `a number in ${format}`;
}

/**
 * `2017-01-31T09:30:00Z`, with or without three digits of milliseconds, as most sources write it: digits by place, in a
 * tenth of the time of the expression and the calendar below. @returns NaN for anything else, which is then looked at there
 */
function parsePlainIso(text: string): number {
  const { length } = text;
  if ((length !== 20 && length !== 24) || text.charCodeAt(length - 1) !== 0x5a) return Number.NaN;
  const punctuated =
    text.charCodeAt(4) === 0x2d &&
    text.charCodeAt(7) === 0x2d &&
    text.charCodeAt(10) === 0x54 &&
    text.charCodeAt(13) === 0x3a &&
    text.charCodeAt(16) === 0x3a &&
    (length === 20 || text.charCodeAt(19) === 0x2e);
  if (!punctuated) return Number.NaN;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  const [hour, minute, second] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  const ms = length === 24 ? digits(text, 20, 23) : 0;
  // The last days of a month are left to the calendar. Not a digit: NaN, which fails every comparison.
  const real = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 28;
  if (!real || !(hour <= 23 && minute <= 59 && second <= 59 && ms >= 0)) return Number.NaN;
  return ((daysFromCivil(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms", days_from_civil; years from 1970). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yoe = y - era * 400;
  const doy = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy - 719_468;
}

/** An instant of a definition, ms UTC. @throws DefinitionError naming `field` */
export function instantOf(iso: string, field: string): number {
  const parsed = parseTimestamp(iso, 'iso8601');
  if ('error' in parsed) throw new DefinitionError(field, shown(iso), 'ISO-8601 with a zone');
  return parsed.value;
}

function parseIso(input: unknown, local: LocalClock | undefined): Parsed {
  if (typeof input === 'string') {
    const plain = parsePlainIso(input);
    if (!Number.isNaN(plain)) return { value: plain };
  }
  const failed: Parsed = { error: 'INVALID_FIELD', detail: '' };
  const match = typeof input === 'string' ? ISO.exec(input) : null;
  if (!match) return failed;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as number[];
  const utc = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
  const back = new Date(utc);
  const real =
    back.getUTCFullYear() === year && back.getUTCMonth() === month! - 1 && back.getUTCDate() === day && hour! < 24;
  const offset = Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0);
  if (!real || minute! > 59 || second! > 59 || Number(match[10] ?? 0) > 23 || Number(match[11] ?? 0) > 59)
    return failed;
  const ms = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  if (match[8] === undefined && match[9] === undefined) return local ? { value: local(utc) + ms } : failed;
  return { value: utc + ms - (match[9] === '-' ? -offset : offset) * MINUTE };
}

/** `90s`, `5m`, `12h`, `28d` → ms. @throws DefinitionError naming `field`. */
export function parseDuration(text: unknown, field: string): number {
  const match = typeof text === 'string' ? /^([1-9]\d{0,5})([smhd])$/.exec(text) : null;
  if (!match) throw new DefinitionError(field, shown(text), 'a duration such as 90s, 5m, 12h or 28d');
  return Number(match[1]) * UNITS[match[2]!]!;
}

/** Design rule: 1 day for windows of 12 days and more, 1 hour from 12 hours, else 5 minutes; aligned to UTC. */
export function hopOf(window_ms: number): number {
  if (window_ms >= 12 * DAY) return DAY;
  if (window_ms >= 12 * HOUR) return HOUR;
  return 5 * MINUTE;
}

/** Left edge of a window read at `t`: floor(t - window, hop). Inclusive; the right edge `t` is exclusive. */
export function windowStart(t: number, window_ms: number, hop_ms: number): number {
  return floorTo(t - window_ms, hop_ms);
}

/** The newest multiple of `hop_ms` up to `instant`; before 1970 too. */
export function floorTo(instant: number, hop_ms: number): number {
  return Math.floor(instant / hop_ms) * hop_ms;
}
