/** Lines that are not what they should be: told by place and counted by reason, never shown. */
import { CliError } from '../errors.ts';
import type { LineProblem } from './event-line.ts';
import { inputFiles } from './files.ts';
import { type Line, readLines } from './lines.ts';

export const BAD_LINES = ['skip', 'fail'] as const;
export type BadLinesPolicy = (typeof BAD_LINES)[number];

/** The exit code of a command that did its work without some lines. */
export const LEFT_OUT = 3;
/** More would scroll the first ones away. */
const REPORTED = 20;

export interface BadLine extends LineProblem {
  readonly place: string;
}

export interface Judged<T> {
  readonly good: T[];
  readonly bad: BadLine[];
}

/**
 * Every line of the files, in order.
 * @param read of a file @default - lines of JSON
 * @throws CliError that names a file which can't be read wholly
 */
export async function judgeLines<T extends object>(
  names: readonly string[],
  judge: (line: Line, ordinal: number) => T | LineProblem,
  read: (path: string) => AsyncIterable<Line | BadLine> = readLines,
): Promise<Judged<T>> {
  const judged: Judged<T> = { good: [], bad: [] };
  let ordinal = 0;
  for (const path of await inputFiles(names)) {
    for await (const line of read(path)) {
      const found = 'reason' in line ? line : judge(line, ++ordinal);
      if ('reason' in found) judged.bad.push({ place: line.place, reason: found.reason, detail: found.detail });
      else judged.good.push(found);
    }
  }
  return judged;
}

/** How many, by reason, and the first ones by their place. */
export function reportOf(what: string, bad: readonly BadLine[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of bad) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const by = [...counts].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${reason} ${count}`);
  const first = bad.slice(0, REPORTED).map(({ place, reason, detail }) => `${place}: ${reason}: ${detail}`);
  const more = bad.length > REPORTED ? [`… and ${bad.length - REPORTED} more`] : [];
  const lines = bad.length === 1 ? '1 bad line' : `${bad.length} bad lines`;
  return [`${lines} of ${what} (${by.join(', ')}):`, ...first, ...more].join('\n');
}

/** @throws CliError with exit code 2 that tells the bad lines, if there are any */
export function requireGood(what: string, bad: readonly BadLine[]): void {
  if (bad.length > 0) throw new CliError(reportOf(what, bad), 2);
}
