import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { endChildren, runChild } from '../../cli/children.ts';
import { isAlive } from '../../cli/stage/local-state.ts';

let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-children-'));
  log = join(folder, 'a.log');
});
afterEach(() => rmSync(folder, { recursive: true }));

const node = (script: string, options: Partial<Parameters<typeof runChild>[2]> = {}) =>
  runChild(process.execPath, ['-e', script], { cwd: folder, env: { SAID: 'yes' }, log, ...options });

/** A program with one of its own, which says their process ids and then waits. */
const FAMILY = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  console.log(process.pid + ' ' + child.pid);
  setInterval(() => {}, 1000);`;

/** Starts a family. @returns its end, and the process ids once it runs */
function family(signal?: AbortSignal) {
  let tell = (_: number[]) => {};
  const pids = new Promise<number[]>((resolve) => {
    tell = resolve;
  });
  const onLine = (line: string) => tell(line.split(' ').map(Number));
  return { pids, ended: node(FAMILY, signal ? { onLine, signal } : { onLine }) };
}

/** A process that has ended is there until its parent has asked. */
async function gone(pids: readonly number[]): Promise<void> {
  for (let waited = 0; pids.some(isAlive) && waited < 5_000; waited += 50) await sleep(50);
  expect(pids.filter(isAlive)).toEqual([]);
}

test('lines of both outputs, all of them in the log, in the folder and environment that were given', async () => {
  const lines: string[] = [];
  const script = `console.log(process.cwd() === ${JSON.stringify(folder)}, process.env.SAID, process.env.PATH);
    setTimeout(() => console.error('two'), 300)`;
  await node(script, { onLine: (line) => lines.push(line) });
  expect(lines).toEqual(['true yes undefined', 'two']);
  await node('process.stdout.write("no end")');
  expect(readFileSync(log, 'utf8')).toBe('true yes undefined\ntwo\nno end');
});

test('a program that fails: its last lines, and where the whole log is', async () => {
  const failed = node('for (let i = 0; i < 30; i += 1) console.log("line " + i); process.exitCode = 7');
  await expect(failed).rejects.toMatchObject({ name: 'CliError' });
  await expect(failed).rejects.toThrow(/ended with code 7\. Its last lines:\n {2}line 10\n(?:.*\n){18} {2}line 29\n/);
  await expect(failed).rejects.toThrow(`The whole log: ${log}`);
  await expect(node('process.kill(process.pid, "SIGKILL")')).rejects.toThrow('ended with SIGKILL');
  await expect(runChild('/no/such/program', [], { cwd: folder, env: {}, log })).rejects.toThrow('ENOENT');
});

test('an abort ends the whole family, with the reason of the abort', async () => {
  const controller = new AbortController();
  const { pids, ended } = family(controller.signal);
  const both = await pids;
  expect(both.every(isAlive)).toBe(true);
  controller.abort(new DOMException('interrupted', 'AbortError'));
  await expect(ended).rejects.toMatchObject({ name: 'AbortError', message: 'interrupted' });
  await gone(both);
  await expect(node('', { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
});

test('all that still run are ended', async () => {
  const families = [family(), family()];
  const pids = (await Promise.all(families.map((one) => one.pids))).flat();
  const ends = Promise.allSettled(families.map(({ ended }) => ended));
  await endChildren();
  for (const end of await ends) expect(end).toMatchObject({ status: 'rejected' });
  await gone(pids);
});
