/** How `npm test` counts: also what a part had done before it was ended. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { parts, suiteOf } from '../../setup/parts.mjs';
import { Progress } from '../../setup/progress.mjs';
import { readResults } from '../../setup/results.mjs';
import { testFiles } from '../../setup/selection.mjs';
import { Silence } from '../../setup/silence.mjs';
import { runPart } from '../../setup/tests.mjs';

type Part = Parameters<typeof runPart>[0];
const JEST = ['--experimental-vm-modules', '--no-warnings', resolve('node_modules/jest/bin/jest.js'), '--runInBand'];
const PYTHON = resolve('.venv/bin/python');
/** What a machine under load needs to start a process that then says something. */
const SILENCE_MS = 6_000;
const START_MS = 120_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-parts-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** A part as `npm test` runs it, with what it printed. */
async function run(part: Partial<Part> & Pick<Part, 'command'>) {
  let printed = '';
  const out = new Writable({
    write: (chunk, _, done) => {
      printed += chunk;
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const results = join(folder, 'results.ndjson');
  const whole = { id: 'part', name: 'The part', silenceMs: START_MS, results, env: {}, ...part };
  const env = { ...process.env, ...whole.env, TIDEMARK_RESULTS: results, CI: 'true' };
  const counts = await runPart(whole, env, new Progress(out), { out: folder });
  return { counts, printed };
}

const runJest = (...files: readonly string[]) => {
  file('jest.config.json', JSON.stringify({ testMatch: ['**/*.test.mjs'], transform: {} }));
  const reporter = `--reporters=${resolve('setup/reporters/jest.mjs')}`;
  const command = [process.execPath, ...JEST, '--rootDir', folder, '-c', join(folder, 'jest.config.json'), reporter];
  return run({ command: [...command, '--runTestsByPath', ...files] });
};

const runPytest = (...files: readonly string[]) =>
  run({
    command: [
      PYTHON,
      '-m',
      'pytest',
      '-p',
      'no:cacheprovider',
      '-p',
      'tidemark_results',
      '--rootdir',
      folder,
      ...files,
    ],
    env: { PYTHONPATH: resolve('setup/reporters'), PYTHONDONTWRITEBYTECODE: '1' },
  });

describe('a part that breaks off', () => {
  test(
    'jest: what passed and failed before counts, its end is one failure that names the file',
    async () => {
      const tests = [
        `test('good', () => {});`,
        `test('bad', () => { throw new Error('seven') });`,
        `test('last words', () => process.kill(process.pid, 'SIGKILL'));`,
      ];
      const { counts, printed } = await runJest(file('a.test.mjs', tests.join('\n')));
      expect(counts).toMatchObject({ passed: 1, failed: 2, unfinished: ['a.test.mjs'] });
      expect(counts.failures[0]).toMatch(/^✗ a\.test\.mjs › bad\nError: seven/);
      expect(counts.failures[1]).toBe('✗ The part ended with SIGKILL; not finished: a.test.mjs');
      for (const failure of counts.failures) expect(printed).toContain(failure);
    },
    START_MS,
  );

  test(
    'pytest: what passed and failed before counts, its end is one failure that names the test',
    async () => {
      const tests = [
        'import os, signal, pytest',
        'def test_good(): pass',
        "def test_bad(): raise ValueError('seven')",
        "@pytest.mark.skip(reason='what is skipped counts as neither')\ndef test_left_out(): pass",
        '@pytest.fixture\ndef spoiled():\n    yield\n    raise ValueError("tear-down")',
        'def test_spoiled(spoiled): pass',
        'def test_last_words(): os.kill(os.getpid(), signal.SIGKILL)',
      ];
      const { counts } = await runPytest(file('test_a.py', tests.join('\n')));
      expect(counts).toMatchObject({ passed: 1, failed: 3, unfinished: ['test_a.py::test_last_words'] });
      expect(counts.failures[0]).toMatch(/^✗ test_a\.py::test_bad\n\(call\)[\s\S]*ValueError: seven/);
      expect(counts.failures[1]).toMatch(/^✗ test_a\.py::test_spoiled\n\(teardown\)[\s\S]*tear-down/);
    },
    START_MS,
  );

  test(
    'is ended when it says nothing new, and a heartbeat says nothing new',
    async () => {
      const results = JSON.stringify(join(folder, 'results.ndjson'));
      const line = (record: object) => JSON.stringify(`${JSON.stringify(record)}\n`);
      const code = `const { appendFileSync } = require('node:fs');
        appendFileSync(${results}, ${line({ file: 'a', started: true })});
        appendFileSync(${results}, ${line({ file: 'a', test: { name: 'one', outcome: 'passed' } })});
        appendFileSync(${results}, '{"file": "a", "te');
        setInterval(() => console.log(\`  … waiting: still at it (\${Math.round(performance.now() / 100)} s)\`), 100);`;
      const { counts, printed } = await run({ command: [process.execPath, '-e', code], silenceMs: SILENCE_MS });
      expect(counts).toMatchObject({ passed: 1, failed: 1 });
      expect(counts.failures).toEqual(['✗ The part was ended, as it said nothing new for 6.0 s; not finished: a']);
      expect(printed).toContain('still at it');
    },
    START_MS,
  );
});

describe('a part that ends by itself', () => {
  test(
    'jest: a file that could not run is one failure, a failed hook fails its tests',
    async () => {
      const missing = file('a.test.mjs', `import './none.mjs'; test('never', () => {});`);
      const hook = file(
        'b.test.mjs',
        `beforeAll(() => { throw new Error('hook') }); test('x', () => {}); test('y', () => {});`,
      );
      const { counts } = await runJest(missing, hook);
      expect(counts).toMatchObject({ passed: 0, failed: 3, unfinished: [] });
      expect(counts.failures.join('\n')).toMatch(/a\.test\.mjs did not run\n[\s\S]*none\.mjs/);
      expect(counts.failures.join('\n')).toMatch(/b\.test\.mjs › x\nError: hook/);
    },
    START_MS,
  );

  test(
    'jest: a test to be done is a warning that is printed, and fails nothing',
    async () => {
      const { counts, printed } = await runJest(
        file('a.test.mjs', `test('good', () => {}); test['todo']('an end of support is near');`),
      );
      expect(counts).toMatchObject({ passed: 1, failed: 0, warnings: ['! an end of support is near'] });
      expect(printed).toContain('! an end of support is near');
    },
    START_MS,
  );

  test(
    'pytest: a file that could not be collected is one failure',
    async () => {
      const { counts } = await runPytest(file('test_a.py', 'import none_such'));
      expect(counts).toMatchObject({ passed: 0, failed: 1 });
      expect(counts.failures[0]).toMatch(/^✗ test_a\.py did not run\n[\s\S]*none_such/);
    },
    START_MS,
  );

  test(
    'without a test, or badly though no test failed, is one failure; a check is one test',
    async () => {
      const node = (code: string, more: Partial<Part> = {}) =>
        run({ command: [process.execPath, '-e', code], ...more });
      expect((await node('')).counts.failures).toEqual(['✗ The part ended with code 0 and ran no test']);
      const passed = JSON.stringify({ file: 'a', tests: [{ name: 'a', outcome: 'passed' }] });
      const written = `require('node:fs').writeFileSync(process.env.TIDEMARK_RESULTS, ${JSON.stringify(`${passed}\n`)})`;
      expect((await node(written)).counts).toMatchObject({ passed: 1, failed: 0 });
      expect((await node(`${written}; process.exit(3)`)).counts).toMatchObject({
        passed: 1,
        failures: ['✗ The part ended with code 3 though no test failed'],
      });
      expect((await node('', { results: undefined })).counts).toMatchObject({ passed: 1, failed: 0 });
      const bad = await node(`console.log('line 7'); process.exit(1)`, { results: undefined });
      expect(bad.counts).toMatchObject({ passed: 0, failed: 1 });
      expect(bad.printed).toContain('line 7');
    },
    START_MS,
  );
});

test('what a file ended with replaces what its tests said; without a file there is nothing', () => {
  const records = [
    { file: 'a', started: true },
    { file: 'a', test: { name: 'x', outcome: 'passed' } },
    { file: 'a', tests: [{ name: 'x', outcome: 'failed', message: 'late' }] },
  ];
  const path = file('results', records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  expect(readResults(path)).toEqual({
    passed: 0,
    failed: 1,
    failures: ['✗ a › x\nlate'],
    warnings: [],
    unfinished: [],
    took: new Map([['a', 0]]),
  });
  expect(readResults(join(folder, 'none'))).toBeUndefined();
});

test('silence is counted from what was last said for the first time', () => {
  jest.useFakeTimers();
  try {
    const over = jest.fn();
    const silence = new Silence(1_000, over);
    for (const line of ['a', 'b', 'b (10 s)', 'a (0.5 s)']) {
      jest.advanceTimersByTime(400);
      silence.heard(line);
    }
    // Since b at 800 ms nothing was new.
    jest.advanceTimersByTime(199);
    expect(over).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(over).toHaveBeenCalledTimes(1);
    const other = new Silence(1_000, over);
    other.stop();
    jest.advanceTimersByTime(5_000);
    expect(over).toHaveBeenCalledTimes(1);
  } finally {
    jest.useRealTimers();
  }
});

test.each(parts().suites.filter(({ command }) => command.some((word) => word.endsWith('jest.js'))))(
  '$id: jest itself finds its files and no others',
  ({ id, command: [node = '', ...args], env }) => {
    const { stdout } = spawnSync(node, [...args, '--listTests'], { encoding: 'utf8', env: { ...process.env, ...env } });
    const found = stdout.split('\n').filter((line) => line.endsWith('.test.ts'));
    expect(found.length).toBeGreaterThan(0);
    const own = ['e2e', 'e2e-prod', 'readme'];
    const folders = new Set(found.map((path) => relative('test', path).split('/')[0] as string));
    if (own.includes(id)) expect([...folders]).toEqual([id]);
    else expect(own.filter((name) => folders.has(name))).toEqual([]);
  },
);

test('every test file belongs to one part, and the names of parts differ', () => {
  const { checks, suites } = parts();
  const ids = [...checks, ...suites].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const files = (readdirSync('test', { recursive: true }) as string[]).map((name) => `test/${name}`);
  const tests = files.filter((path) => /\.test\.ts$|\/test_[^/]*\.py$/.test(path));
  expect(tests.length).toBeGreaterThan(50);
  expect(tests.filter((path) => suiteOf(path) === undefined)).toEqual([]);
});

test.each(parts().suites.filter(({ command }) => command.includes('pytest')))(
  '$id: what another part of Python has is left out, in words that pytest takes',
  ({ id, command }) => {
    const [folder] = command.filter((word) => /^test\//.test(word)) as [string];
    const ignored = command
      .filter((word) => word.startsWith('--ignore='))
      .map((word) => word.slice('--ignore='.length));
    const taken = testFiles().filter(
      (path) =>
        path.endsWith('.py') && path.startsWith(`${folder}/`) && !ignored.some((own) => path.startsWith(`${own}/`)),
    );
    expect(taken).toEqual(testFiles().filter((path) => suiteOf(path)?.id === id));
    expect(taken.length).toBeGreaterThan(0);
  },
);

test(
  'a part that ended leaves nothing that keeps the process',
  () => {
    const code = `import { runPart } from './setup/tests.mjs';
    import { Progress } from './setup/progress.mjs';
    const results = process.env.RESULTS;
    const say = "require('node:fs').writeFileSync(process.env.RESULTS, JSON.stringify({ file: 'a', tests: [] }) + '\\n')";
    const part = { id: 'x', name: 'x', command: [process.execPath, '-e', say], results, silenceMs: 600_000 };
    await runPart(part, process.env, new Progress(), { out: process.env.FOLDER });`;
    const env = { ...process.env, RESULTS: join(folder, 'results.ndjson'), FOLDER: folder };
    const args = ['--input-type=module', '-e', code];
    expect(spawnSync(process.execPath, args, { env, timeout: START_MS }).status).toBe(0);
  },
  2 * START_MS,
);
