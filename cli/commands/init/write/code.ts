/** TypeScript as the house's formatter writes it: nothing is to be put right before the first commit. */
import { DAY, HOUR, MINUTE } from '../../../../core/values/time.ts';

const WIDTH = 120;

/** Single quotes, but where only those would have to be escaped. */
export function text(value: string): string {
  const plain = JSON.stringify(value).slice(1, -1).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  const bare = plain.replaceAll('\\"', '"');
  if (!bare.includes("'")) return `'${bare}'`;
  return bare.includes('"') ? `'${bare.replaceAll("'", "\\'")}'` : `"${bare}"`;
}

/** 1_000_000, as people read it. */
export const number = (value: number): string =>
  Math.abs(value) < 10_000 ? String(value) : String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '_');

/** `{ a, b }` where it fits behind what comes before it, else a member a line. @param indent of the line it begins on */
export function braces(
  open: string,
  members: readonly string[],
  close: string,
  before: number,
  indent: number,
): string {
  const space = open === '{' ? ' ' : '';
  if (members.length === 0) return `${open}${close}`;
  const line = `${open}${space}${members.join(', ')}${space}${close}`;
  if (before + line.length <= WIDTH && !line.includes('\n')) return line;
  const pad = ' '.repeat(indent);
  return `${open}\n${members.map((member) => `${pad}  ${member},\n`).join('')}${pad}${close}`;
}

/** `prefix({ a, b })suffix`, at the begin of a line. */
export function call(prefix: string, members: readonly string[], suffix: string, indent = 0): string {
  const before = indent + prefix.length + suffix.length;
  return `${prefix}${braces('{', members, '}', before, indent)}${suffix}`;
}

export function imports(names: readonly string[], from: string): string {
  const bare = (name: string) => name.replace(/^type /, '');
  const sorted = [...new Set(names)].sort((a, b) => (bare(a).toLowerCase() < bare(b).toLowerCase() ? -1 : 1));
  return call('import ', sorted, ` from '${from}';`);
}

/** What a comment may hold, wherever it came from. */
export const comment = (said: string): string => said.replaceAll('*/', '* /').replace(/[\r\n\u2028\u2029]+/g, ' ');

/** `28d`, `12h`. */
export function duration(ms: number): string {
  if (ms % DAY === 0) return `${ms / DAY}d`;
  return ms % HOUR === 0 ? `${ms / HOUR}h` : `${ms / MINUTE}m`;
}

export const instant = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
