/** `npm run bench -- --against REV`: both checkouts in turn, round by round, each with its own code and benchmarks. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { outputOf } from '../node-process.ts';
import type { Row } from '../rows.ts';
import { type Baseline, baselineOf } from './baseline.ts';
import { againstTable, type Ratio, type Round, ratiosOf } from './ratios.ts';

export interface Against {
  readonly root: string;
  readonly rev: string;
  /** Names of the parts. */
  readonly parts: readonly string[];
  readonly rounds: number;
}

/** Runs one part in a checkout. @returns its rows */
export type Measure = (folder: string, part: string, say: (text: string) => void) => Promise<Row[]>;

/**
 * @param say told where it is
 * @returns the table, the ratios of all parts, and what only one side has
 * @throws Error when a side can't be measured
 */
export async function against(
  { root, rev, parts, rounds }: Against,
  say: (text: string) => void,
  measure: Measure = inCheckout,
): Promise<{ readonly table: string; readonly ratios: Ratio[]; readonly unpaired: string[] }> {
  const { folder }: Baseline = baselineOf(root, rev, say);
  const ratios: Ratio[] = [];
  const unpaired: string[] = [];
  for (const part of parts) {
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round++) {
      const on = (side: 'baseline' | 'here') =>
        measure(side === 'here' ? root : folder, part, (text) =>
          say(`${part}, round ${round} of ${rounds}, ${side}: ${text}`),
        );
      // Who is first takes turns: a machine that warms up or is busier by and by is nobody's fault.
      if (round % 2 === 1) {
        const base = await on('baseline');
        measured.push({ base, ours: await on('here') });
      } else {
        const ours = await on('here');
        measured.push({ base: await on('baseline'), ours });
      }
    }
    const found = ratiosOf(measured);
    ratios.push(...found.ratios);
    unpaired.push(...found.unpaired);
  }
  return { table: againstTable(ratios), ratios, unpaired };
}

async function inCheckout(folder: string, part: string, say: (text: string) => void): Promise<Row[]> {
  const file = path.join(folder, '.cache', 'bench', 'against.json');
  mkdirSync(path.dirname(file), { recursive: true });
  rmSync(file, { force: true });
  const args = ['--import', 'tsx', path.join('bench', 'run.ts'), '--only', part, '--json', file];
  // Its own heartbeats say how long; ours says it once.
  const plain = (text: string) => say(text.replace(/^\s*… /, '').replace(/ \(\d+(\.\d)? m?s\)$/, ''));
  await outputOf(process.execPath, args, plain, { ...process.env, CI: 'true' }, folder);
  return JSON.parse(readFileSync(file, 'utf8')) as Row[];
}
