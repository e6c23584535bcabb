/** Names that a use case may have, made of those that a file has. */

/** What no record may hold as a key: core/definition/validate-contracts.ts. */
const FORBIDDEN: readonly string[] = ['constructor', 'prototype', 'then'];
const MAX = 48;

/** Lower case, letters, digits and _; empty where nothing of it is left. `Order ID`, `orderId` and `Ördér-id` are order_id. */
export function snake(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}

/** A name of a field or an event type. @param fallback where nothing of the text is left */
export function nameOf(text: string, fallback: string, taken: ReadonlySet<string> = new Set()): string {
  const found = snake(text).slice(0, MAX).replace(/_+$/, '');
  const begun = found === '' ? fallback : /^[a-z]/.test(found) ? found : `${fallback[0]}_${found}`;
  const whole = FORBIDDEN.includes(begun) ? `${begun}_value` : begun;
  let name = whole;
  for (let i = 2; taken.has(name); i++) name = `${whole}_${i}`;
  return name;
}

export const camel = (name: string): string => name.replace(/_+([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** One of what a file is called after: orders.csv has an order a row. */
export function singular(text: string): string {
  if (/(ss|us|is|news|series)$/.test(text)) return text;
  if (/ies$/.test(text)) return text.replace(/ies$/, 'y');
  if (/(ch|sh|x|z)es$/.test(text)) return text.replace(/es$/, '');
  return text.replace(/s$/, '');
}

export function plural(text: string): string {
  if (/[^aeiou]y$/.test(text)) return text.replace(/y$/, 'ies');
  return /(s|x|z|ch|sh)$/.test(text) ? `${text}es` : `${text}s`;
}
