/** A document that is followed: files that its reader writes, commands, and what they print. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../cli/paths.ts';
import { fencesOf } from './markdown.ts';

export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | {
      readonly kind: 'command';
      readonly line: string;
      readonly code: number;
      /** Lines that stand among what it prints. */
      readonly output: readonly string[];
    };

/**
 * What a reader does, in order: a fence with a name is a file, each line of a shell fence a command whose comment may say
 * `exit code n`, and a fence called `output` what the command before it prints.
 */
export function stepsOf(document: string): Step[] {
  const steps: Step[] = [];
  for (const { language, info, code } of fencesOf(readFileSync(join(ROOT, document), 'utf8'))) {
    if (info === 'output') {
      const last = steps.pop();
      if (last?.kind !== 'command') throw new Error(`${document}: found output behind no command`);
      steps.push({ ...last, output: code.split('\n').filter((line) => line !== '') });
    } else if (info !== '') steps.push({ kind: 'file', name: info, text: code });
    else if (language === 'sh')
      for (const written of code.split('\n').filter((line) => line !== '')) {
        const [, exit] = /# exit code (\d+)/.exec(written) ?? [];
        const line = written.replace(/\s+#.*$/, '');
        steps.push({ kind: 'command', line, code: Number(exit ?? 0), output: [] });
      }
  }
  return steps;
}
