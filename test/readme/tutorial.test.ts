/** The tutorial from its first line to its last, in this checkout's own local cloud. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ROOT } from '../../cli/paths.ts';
import { type Step, stepsOf } from '../docs/walkthrough.ts';

/** For an alert that is on its way. */
const SETTLE_MS = 120_000;
/** Exit code of `local status` where nothing runs. */
const NOT_RUNNING = 3;
const work = mkdtempSync(join(tmpdir(), 'tidemark-tutorial-'));
/** In what this test differs from the reader: where the folder lies, and that the checkout is set up. */
const here = (text: string) => text.replace(/(?<![\w/])(\.\/)?gym\b/g, join(work, 'gym'));
const run = (line: string) => {
  const { status, stdout } = spawnSync('bash', ['-c', `exec 2>&1; ${here(line)}`], { cwd: ROOT, encoding: 'utf8' });
  return { code: status, output: stdout };
};

let ours = false;

beforeAll(() => {
  mkdirSync(join(work, 'gym'));
  // A cloud that somebody uses here is not ours to stop.
  expect(run('npx tidemark local status')).toMatchObject({ code: NOT_RUNNING });
  ours = true;
});
afterAll(() => {
  if (ours) run('npx tidemark local stop');
  rmSync(work, { recursive: true });
});

const steps = stepsOf('docs/tutorial.md').filter((step) => step.kind === 'file' || step.line !== 'npm run setup');
const titleOf = (step: Step) => (step.kind === 'file' ? `write ${step.name}` : step.line);

describe.each(steps.map((step, index) => [index + 1, titleOf(step), step] as const))('%i: %s', (_, title, step) => {
  test('does what it says', async () => {
    if (step.kind === 'file') return writeFileSync(join(work, step.name), step.text);
    let ran = run(step.line);
    const done = () => ran.code === step.code && step.output.every((line) => ran.output.includes(here(line)));
    for (const deadline = Date.now() + SETTLE_MS; title.startsWith('grep') && !done() && Date.now() < deadline; ) {
      await sleep(1000);
      ran = run(step.line);
    }
    console.log(`$ ${step.line}\n(code ${ran.code})\n${ran.output.slice(-2000)}`);
    expect(ran.code).toBe(step.code);
    for (const line of step.output) expect(ran.output).toContain(here(line));
  }, 900_000);
});
