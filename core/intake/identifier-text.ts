/**
 * An id as text: a text that is not empty, or a whole number that a JSON parser keeps exactly. Beyond 2^53 two ids would
 * become one, so such a number is no id. @returns null for anything else
 */
export function identifierText(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  // -0 is 0.
  return Number.isSafeInteger(value) ? String((value as number) + 0) : null;
}
