/** Part `quality`: models out of time on real events. It prints its own tables: its figures come with intervals. */
import path from 'node:path';
import { outputOf, ROOT } from '../node-process.ts';

export async function qualityTable(say: (text: string) => void, args: readonly string[]): Promise<string> {
  const script = path.join(ROOT, 'bench', 'quality', 'out_of_time.py');
  return (await outputOf(path.join(ROOT, '.venv', 'bin', 'python'), [script, ...args], say)).trimEnd();
}
