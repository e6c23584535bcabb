import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../cli/paths.ts';

/** The commands of a section's shell blocks, in order, as they are written but for their comments. */
export function commandsOf(section: string): string[] {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, own] = text.split(new RegExp(`^## ${section}$`, 'm'));
  if (own === undefined) throw new Error(`README.md has no section "${section}"`);
  const [body = ''] = own.split(/^## /m);
  return [...body.matchAll(/^```sh\n(.*?)^```$/gms)]
    .flatMap(([, block = '']) => block.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** One thing in which the test differs from the reader. */
export interface Substitution {
  readonly written: string | RegExp;
  readonly here: string;
  readonly why: string;
}

export function substitute(command: string, table: readonly Substitution[]): string {
  return table.reduce((line, { written, here }) => line.replace(written, here), command);
}
