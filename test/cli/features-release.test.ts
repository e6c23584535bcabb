/** `tidemark features release` on a copy of a use case that changes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { release } from '../../cli/commands/features/release.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-release-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A fresh folder each time: a module is loaded once. What was released before comes along. */
async function released(name: string, from: string | null, change: (source: string) => string): Promise<string> {
  const at = join(folder, name);
  mkdirSync(at);
  const source = readFileSync(resolve('test/fixtures/usecases/tiny/index.ts'), 'utf8');
  writeFileSync(join(at, 'index.ts'), change(source));
  if (from !== null) writeFileSync(join(at, 'released.json'), document(from));
  const log = jest.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await release({ usecase: at });
    expect(log).toHaveBeenCalledTimes(1);
    return log.mock.calls[0]![0] as string;
  } finally {
    log.mockRestore();
  }
}

const document = (name: string) => readFileSync(join(folder, name, 'released.json'), 'utf8');
const version = (name: string) => (JSON.parse(document(name)) as { views: [{ version: string }] }).views[0].version;

test('says in one sentence what changed, and changes nothing when nothing did', async () => {
  expect(await released('a', null, (source) => source)).toMatch(
    /^Released reading@\w{12} for the first time, in .*json\.$/,
  );
  expect(await released('b', 'a', (source) => source)).toBe(`Nothing changed: ${version('a')} is what was released.`);
  expect(document('b')).toBe(document('a'));
  expect(await released('c', 'b', (source) => source.replace('threshold: 0.8', 'threshold: 0.7'))).toContain(
    `Released what changed beside the view, which stays ${version('a')}, in `,
  );
  expect([document('c') === document('a'), version('c')]).toEqual([false, version('a')]);
  const wider = (source: string) => source.replace("window: '7d'", "window: '14d'");
  expect(await released('d', 'c', wider)).toContain(`Released ${version('d')} instead of ${version('a')}, in `);
  expect(version('d')).not.toBe(version('a'));
});

test('refuses what breaks a contract, and leaves the file as it was', async () => {
  const broken = (source: string) => source.replace('seconds: field', 'minutes: field');
  await expect(released('e', 'a', broken)).rejects.toThrow('contracts.article_read@1.seconds: found a removed field');
  expect(document('e')).toBe(document('a'));
});
