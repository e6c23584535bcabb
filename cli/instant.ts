import { parseTimestamp } from '../core/values/time.ts';

/** A day (its begin, UTC), or an instant with its zone. @returns ms UTC, null for anything else */
export function parseInstant(text: string): number | null {
  const parsed = parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text, 'iso8601');
  return 'error' in parsed ? null : parsed.value;
}
