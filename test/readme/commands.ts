import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../cli/paths.ts';

/** The commands of a document's shell blocks, in order, as they are written but for their comments. */
export function commandsOf(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)]
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
