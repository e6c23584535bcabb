/** What a record looks like, without what it says: for people who look into a refused one. */
import { typeName } from '../ir/errors.ts';
import { shownName } from './drift.ts';

/** Members that are shown; of a larger record the rest is counted. */
const MOST = 200;
const DEEPEST = 4;

/**
 * Names and JSON types of what stands in a record, one a line, in its order: `properties.amount: string`. An array shows its
 * first element. What is no name is `other`.
 *
 * @returns null where the bytes are no JSON
 */
export function shapeOf(data: Uint8Array): readonly string[] | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    return null;
  }
  const lines = [...members(value, '', 0)];
  return lines.length > MOST ? [...lines.slice(0, MOST), `and ${lines.length - MOST} more`] : lines;
}

function* members(value: unknown, at: string, depth: number): Generator<string> {
  if (at !== '' || typeof value !== 'object') yield `${at || 'record'}: ${typeName(value)}`;
  if (typeof value !== 'object' || value === null || depth === DEEPEST) return;
  if (Array.isArray(value)) {
    if (value.length > 0) yield* members(value[0], `${at}[]`, depth + 1);
    return;
  }
  const within = at === '' ? '' : `${at}.`;
  for (const [name, member] of Object.entries(value)) yield* members(member, `${within}${shownName(name)}`, depth + 1);
}
