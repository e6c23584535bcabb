/** What `npm run demo` plays stands in the folder of the use case. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadDemo } from '../../cli/commands/demo/definition.ts';
import { CliError } from '../../cli/errors.ts';
import churn from '../../usecases/churn/index.ts';

const DAY = 86_400_000;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-demo-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('of churn, a label of the test instant has closed before anything comes live', async () => {
  const { cut, days, loader } = await loadDemo('churn');
  const { test: slice } = churn.model;
  expect(Date.parse(cut)).toBeGreaterThanOrEqual(('to' in slice ? slice.to : Number.NaN) + churn.label.horizon_ms);
  expect(days * DAY).toBeGreaterThanOrEqual(churn.label.horizon_ms);
  expect(loader).toBe(resolve('usecases/churn/load_events.py'));
});

test('a use case without one says so in a sentence', async () => {
  const asked = loadDemo('test/fixtures/usecases/tiny');
  await expect(asked).rejects.toThrow(CliError);
  await expect(asked).rejects.toThrow(
    'test/fixtures/usecases/tiny/demo.ts: found none, so there is nothing to play; allowed: its cut, days and loader',
  );
});

test.each([
  [
    'no-zone',
    { cut: '2017-12-01T00:00:00', days: 1, loader: 'a.py' },
    /demo\.ts: cut: an instant, ISO-8601 with a zone/,
  ],
  ['no-days', { cut: '2017-12-01T00:00:00Z', days: 0, loader: 'a.py' }, /demo\.ts: days: /],
  [
    'outside',
    { cut: '2017-12-01T00:00:00Z', days: 1, loader: '../a.py' },
    /demo\.ts: loader: a Python script in the same/,
  ],
  [
    'no-loader',
    { cut: '2017-12-01T00:00:00Z', days: 1, loader: 'a.py' },
    /demo\.ts: loader: found no .*a\.py; allowed: /,
  ],
])('one that can not be played is refused by its member: %s', async (name, spec, message) => {
  // A folder each: a module is loaded once.
  const at = mkdtempSync(join(folder, name));
  writeFileSync(join(at, 'package.json'), '{"type":"module"}');
  writeFileSync(join(at, 'demo.ts'), `export default ${JSON.stringify(spec)};\n`);
  await expect(loadDemo(at)).rejects.toThrow(message);
});
