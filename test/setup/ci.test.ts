/** What CI counts, over all its commands, with an npm of the test's own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parts } from '../../setup/parts.mjs';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-ci-'));
  // Answers to `npm test` with what the test says, and to every other command with a good end.
  const script = `#!/bin/sh
echo "$*" >> "$ASKED"
if [ "$*" = test ]; then printf '%b' "$SAID"; exit "$CODE"; fi
echo "2 passed, 0 failed"`;
  writeFileSync(join(folder, 'npm'), script, { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The other command of `.ci/run` passes so many tests here. */
const MORE = 2;

/** @param said by `npm test`, which ends with `code` */
function ci(said: string, code: number) {
  const asked = join(folder, 'asked');
  rmSync(asked, { force: true });
  const path = `${folder}:${process.env.PATH}`;
  const env = { ...process.env, PATH: path, SAID: said, CODE: String(code), ASKED: asked };
  const { stdout, status } = spawnSync('.ci/run', { env, encoding: 'utf8' });
  return { lines: stdout.trimEnd().split('\n'), status, asked: readFileSync(asked, 'utf8').trimEnd().split('\n') };
}

test.each([
  ['a good run', '✓ all\\n5 passed, 0 failed\\n', 0, 5, 0],
  ['failed tests', '5 passed, 3 failed\\n', 1, 5, 3],
  ['a run that broke off without counting', 'Segmentation fault\\n', 139, 0, 1],
  ['a run without a count that says that all is well', 'nothing\\n', 0, 0, 1],
  ['a bad end, though no test failed', '5 passed, 0 failed\\n', 1, 5, 1],
])('%s', (_, said, code, passed, failed) => {
  const ended = ci(said, code);
  expect(ended.lines.at(-1)).toBe(`${passed + MORE} passed, ${failed} failed`);
  expect(ended.status).toBe(failed === 0 ? 0 : 1);
});

test('what failed stands once more before the count, by name', () => {
  const said = '✗ spark: 1 passed, 1 failed\\n✗ a.py::b\\nits message\\n\\nin 3 s\\n✗ a.py::b\\n1 passed, 1 failed\\n';
  expect(ci(said, 1).lines.slice(-3)).toEqual([
    `${MORE} passed, 0 failed`,
    '✗ a.py::b',
    `${1 + MORE} passed, 1 failed`,
  ]);
});

test('every part runs, also those that npm test leaves out', () => {
  const left = parts().suites.filter(({ onDemand }) => onDemand);
  expect(left.length).toBeGreaterThan(0);
  expect(ci('5 passed, 0 failed\\n', 0).asked).toEqual([
    'test',
    `test -- --only ${left.map(({ id }) => id).join(',')}`,
  ]);
});
