const compactNumber = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const wholeNumber = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fineNumber = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: 'UTC' });

/** Short form for axes and legends: 12.3K, 0.018. */
export function short(value: number): string {
  return Math.abs(value) >= 1_000 ? compactNumber.format(value) : fineNumber.format(value);
}

export function whole(value: number): string {
  return wholeNumber.format(value);
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

/** "EventsAdmitted" → "Events admitted". */
export function words(name: string): string {
  const text = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
