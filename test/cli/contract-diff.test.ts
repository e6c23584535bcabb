/** `tidemark contract diff` of a use case in a repository of its own, as a person runs it. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { atRevision } from '../../cli/commands/contract/revision.ts';
import type { UseCaseDiff } from '../../core/definition/contract-diff.ts';

const run = promisify(execFile);
let folder: string;
const git = (...args: string[]) =>
  run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: folder });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-diff-'));
  cpSync('usecases/churn', join(folder, 'mine'), { recursive: true });
  await git('init', '--quiet');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'before');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function diff(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const all = [resolve('cli/tidemark.mjs'), 'contract', 'diff', ...args, '--usecase', join(folder, 'mine')];
  try {
    return { code: 0, ...(await run(process.execPath, all, { cwd: folder })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

function change(from: string, to: string): void {
  const file = join(folder, 'mine', 'events.ts');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

test('a wider contract breaks nobody and changes the view, a narrower one ends with 1', async () => {
  change("'Type A', 'Type B', 'Type C'", "'Type A', 'Type B', 'Type C', 'Type D'");
  const wider = await diff('HEAD');
  expect(wider.stdout).toContain('+ contracts.campaign_mailing@1.campaign_type.values: also Type D');
  expect(wider.stdout).toMatch(/~ views\.\w+: \w+@\w{12}, was \w+@\w{12} \(it reads campaign_mailing@1\)/);
  expect(wider).toMatchObject({ code: 0, stderr: '' });

  change("'Type A', 'Type B', ", "'Type A', ");
  // What was released is the same as what was committed.
  const [narrower, sinceRelease] = await Promise.all([diff('HEAD', '--json'), diff()]);
  const found = JSON.parse(narrower.stdout) as UseCaseDiff;
  expect(found.changes).toMatchObject([{ effect: 'refused' }, { effect: 'none' }]);
  expect([narrower.code, found.compatible, sinceRelease.code]).toEqual([1, false, 1]);
  expect(sinceRelease.stdout).toContain('! contracts.campaign_mailing@1.campaign_type.values: found no Type B');
}, 120_000);

test('a revision that is none is told', async () => {
  await expect(atRevision(join(folder, 'mine'), 'nosuch')).rejects.toMatchObject({
    ...{ exitCode: 2, message: expect.stringContaining('nosuch is no revision') },
  });
  await expect(atRevision(join(folder, 'mine'), '--help')).rejects.toThrow(/no revision/);
});
