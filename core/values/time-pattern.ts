/** Times as people and spreadsheets write them, by a pattern that says what stands where: `dd/MM/yyyy HH:mm`. */
import { typeName } from '../ir/errors.ts';
import type { Parsed } from './decimal.ts';
import { type LocalClock, MAX_TIME } from './time.ts';

/** English, as files have them; upper and lower case alike. */
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * What a letter stands for. Where something that is no digit follows, days, months and hours may have one digit or two:
 * `3/4/2026` is `dd/MM/yyyy`, too.
 */
const PARTS: Readonly<Record<string, readonly [set: string, run: string]>> = {
  yyyy: ['(?<y>\\d{4})', '(?<y>\\d{4})'],
  MMM: ['(?<month>[A-Za-z]{3})', '(?<month>[A-Za-z]{3})'],
  MM: ['(?<M>\\d{1,2})', '(?<M>\\d{2})'],
  dd: ['(?<d>\\d{1,2})', '(?<d>\\d{2})'],
  HH: ['(?<H>\\d{1,2})', '(?<H>\\d{2})'],
  hh: ['(?<h>\\d{1,2})', '(?<h>\\d{2})'],
  mm: ['(?<m>\\d{2})', '(?<m>\\d{2})'],
  ss: ['(?<s>\\d{2})(?:[.,](?<f>\\d{1,9}))?', '(?<s>\\d{2})'],
  a: ['(?<a>[AaPp][Mm])', '(?<a>[AaPp][Mm])'],
};
const DIGITS_AFTER = /^(?:yyyy|MM(?!M)|dd|HH|hh|mm|ss)/;
const DIGITS_BEFORE = /(?:yyyy|(?<!M)MM|dd|HH|hh|mm|ss)$/;
const TOKEN = /yyyy|MMM|MM|dd|HH|hh|mm|ss|a/g;

/** Text by a pattern → ms UTC. */
export type TimeReader = (input: unknown, local: LocalClock) => Parsed;

/**
 * @param pattern of yyyy, MM or MMM (Jan), dd, HH or hh with a (AM, PM), mm, ss, and whatever stands between them as it is;
 * ss takes parts of a second with it, which below a ms are cut off. What is missing of a time is its begin.
 * @returns null for a pattern that is none: it needs a year, a month and a day, each part once
 */
export function timeReader(pattern: string): TimeReader | null {
  const tokens = pattern.match(TOKEN) ?? [];
  const has = (token: string) => tokens.filter((one) => one === token).length === 1;
  const once = new Set(tokens).size === tokens.length;
  const hour = has('hh') === has('a') && !(has('hh') && has('HH'));
  if (!once || !hour || !has('yyyy') || has('MM') === has('MMM') || !has('dd')) return null;
  if (/[A-Za-z]/.test(pattern.replace(TOKEN, '').replace('T', ''))) return null;
  const source = pattern.replace(/yyyy|MMM|MM|dd|HH|hh|mm|ss|a|[^A-Za-z]|T/g, (part, at: number) => {
    const known = PARTS[part];
    if (!known) return part === 'T' ? '[Tt]' : part === ' ' ? ' +' : part.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
    const inRun = DIGITS_AFTER.test(pattern.slice(at + part.length)) || DIGITS_BEFORE.test(pattern.slice(0, at));
    return known[inRun ? 1 : 0];
  });
  const shape = new RegExp(`^${source}$`);
  return (input, local) => read(shape, pattern, input, local);
}

function read(shape: RegExp, pattern: string, input: unknown, local: LocalClock): Parsed {
  const text = typeof input === 'number' && Number.isSafeInteger(input) ? String(input) : input;
  const found = typeof text === 'string' && text.length <= 40 ? shape.exec(text)?.groups : undefined;
  const instant = found && instantOf(found, local);
  if (instant !== undefined && instant >= 0 && instant <= MAX_TIME) return { value: instant };
  const what = instant === undefined ? `${typeName(input)} that is not a time` : 'a time out of range';
  const allowed = instant === undefined ? pattern : '1970 to 9999';
  return { error: 'INVALID_FIELD', detail: `found ${what} in ${pattern}; allowed: ${allowed}` };
}

function instantOf(found: Readonly<Record<string, string | undefined>>, local: LocalClock): number | undefined {
  const month = found.month === undefined ? Number(found.M) : MONTHS.indexOf(found.month.toLowerCase()) + 1;
  const [year, day, minute, second] = [Number(found.y), Number(found.d), Number(found.m ?? 0), Number(found.s ?? 0)];
  const half = found.h === undefined ? undefined : Number(found.h);
  const hour = half === undefined ? Number(found.H ?? 0) : (half % 12) + (found.a?.toLowerCase() === 'pm' ? 12 : 0);
  const utc = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(utc);
  const real = back.getUTCFullYear() === year && back.getUTCMonth() === month - 1 && back.getUTCDate() === day;
  if (!real || hour > 23 || minute > 59 || second > 59 || (half !== undefined && (half < 1 || half > 12)))
    return undefined;
  return local(utc) + Number((found.f ?? '').slice(0, 3).padEnd(3, '0'));
}
