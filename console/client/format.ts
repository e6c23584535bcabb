const compactNumber = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const wholeNumber = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fineNumber = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: 'UTC' });

/** Short form for axes and legends: 12.3K, 0.018. */
export function short(value: number): string {
  return Math.abs(value) >= 1_000 ? compactNumber.format(value) : fineNumber.format(value);
}

/** In what a chart's values are shown. */
export interface Scale {
  /** Values are divided by it. */
  readonly divisor: number;
  /** Empty for counts. */
  readonly unit: string;
}

const DURATIONS = [
  { unit: 'd', divisor: 86_400_000 },
  { unit: 'h', divisor: 3_600_000 },
  { unit: 'min', divisor: 60_000 },
  { unit: 's', divisor: 1_000 },
] as const;

/** Durations in the largest unit that the largest value has two of. @param unit as a dashboard says it: `ms`, another or none */
export function scaleFor(unit: string | undefined, largest: number): Scale {
  const longer = unit === 'ms' ? DURATIONS.find(({ divisor }) => largest >= 2 * divisor) : undefined;
  return longer ?? { divisor: 1, unit: unit ?? '' };
}

/** 4.2 h, 350 ms, 1.2K. */
export function scaled(value: number, { divisor, unit }: Scale): string {
  const number = short(value / divisor);
  return unit === '' ? number : `${number} ${unit}`;
}

/** How long something lasts, in whole minutes, hours or days. @param ms at least 0 */
export function duration(ms: number): string {
  const { divisor, unit } = scaleFor('ms', Math.max(ms, 120_000));
  return `${Math.round(ms / divisor)} ${unit}`;
}

export function whole(value: number): string {
  return wholeNumber.format(value);
}

/** A count and what is counted: 1 shard, 2 shards. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${whole(value)} ${value === 1 ? one : many}`;
}

/** A score with two decimals. */
export function score(value: number): string {
  return value.toFixed(2);
}

/** The day of ms UTC. */
export function date(ms: number): string {
  return Number.isFinite(ms) ? day.format(ms) : '–';
}

/** The time of day of ms UTC. */
export function time(ms: number): string {
  return clock.format(ms);
}

/** EventsAdmitted → Events admitted, MALFORMED_JSON → Malformed json; what is no such name stays. */
export function words(name: string): string {
  if (!/^[A-Z][A-Za-z0-9]*$|^[A-Z][A-Z0-9_]*$/.test(name)) return name;
  const parts = name.replaceAll('_', ' ').replace(/([a-z])([A-Z0-9])|([A-Z])(?=[A-Z][a-z])/g, '$1$3 $2');
  const text = parts.toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
