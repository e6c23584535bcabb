/** What `npm test -- …` runs: by name, by path in either language, the inner loop, and what is refused. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parts, suiteOf } from '../../setup/parts.mjs';
import { endedSince } from '../../setup/results.mjs';
import { select, testFiles } from '../../setup/selection.mjs';
import { again, isOurs } from '../../setup/watch.mjs';

const ROOT = resolve('.');
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-selection-'));
  folders.push(folder);
  return folder;
}

/** The parts that words select, each with the tests in its command. */
function selected(...argv: string[]): Record<string, string[]> {
  const found = select(argv, ROOT);
  if (!('suites' in found)) throw new Error(JSON.stringify(found));
  return Object.fromEntries(
    [...found.checks, ...found.suites].map(({ id, command }) => [
      id,
      command.filter((word) => /^test\/.*\./.test(word)),
    ]),
  );
}

describe('by path', () => {
  test('a file of TypeScript, a file of Python and one on Spark go to their parts', () => {
    expect(selected('test/core/codec.test.ts')).toEqual({ jest: ['test/core/codec.test.ts'] });
    expect(selected('test/python/model/test_train.py')).toEqual({ pytest: ['test/python/model/test_train.py'] });
    expect(selected('test/python/spark/test_pit.py', 'test/e2e/pipeline.test.ts')).toEqual({
      e2e: ['test/e2e/pipeline.test.ts'],
      spark: ['test/python/spark/test_pit.py'],
    });
  });

  test('one test of Python, by its name', () => {
    const name = 'test/python/model/test_train.py::test_constraint_holds_and_calibration_helps';
    expect(selected(name)).toEqual({ pytest: [name] });
  });

  test('a folder has the tests of both languages in it, also of parts that run on demand', () => {
    const found = selected('test');
    expect(Object.keys(found).sort()).toEqual(
      parts()
        .suites.map(({ id }) => id)
        .sort(),
    );
    expect(Object.values(found).flat().sort()).toEqual(testFiles());
    expect(Object.keys(selected('test/python'))).toEqual(expect.arrayContaining(['spark', 'pytest']));
  });

  test('is looked up where the user is, too, and a test that is named twice runs once', () => {
    const found = select(['codec.test.ts', 'test/core/codec.test.ts'], resolve('test/core'));
    expect(found).toMatchObject({ suites: [{ id: 'jest' }], each: true });
    expect(JSON.stringify(found).match(/codec\.test\.ts/g)).toHaveLength(1);
  });
});

test.each<[string, string[], RegExp]>([
  ['an option that is none', ['--quick'], /^npm test: found --quick; allowed: --fast, --frameworks, --only <part>/],
  ['two ways at once', ['--fast', '--only', 'jest'], /found --fast and --only together; allowed: one of them\.$/],
  ['two ways at once', ['test/core', '--fast'], /found --fast and a path together/],
  ['watching everything', ['--watch'], /^--watch: found with nothing else; allowed: with --fast or paths\.$/],
  ['watching a part', ['--watch', '--only', 'jest'], /^--watch: found with --only/],
  ['an unknown part', ['--only', 'jest,unit'], /^--only: found unit; allowed: biome, /],
  ['no part', ['--only'], /^--only: found nothing; allowed: /],
  ['a path that is not there', ['test/core/none.test.ts'], /none\.test\.ts: found nothing there; allowed: a file/],
  ['a path without a test', ['core/ir/document.ts'], /^core\/ir\/document\.ts: found no test there; allowed: a file/],
  ['a folder without a test', ['docs'], /^docs: found no test there/],
  ['a path beside the repository', ['..'], /^\.\.: found no test there/],
  ['a name behind a test of TypeScript', ['test/core/codec.test.ts::x'], /found :: behind no test of Python/],
])('%s is refused with one sentence: %j', (_, argv, sentence) => {
  const { problem } = select(argv, ROOT) as { problem: string };
  expect(problem).toMatch(sentence);
  expect(problem.trim().split('\n')).toHaveLength(1);
});

test('the help names every option and every part', () => {
  const { help } = select(['--fast', '--help'], ROOT) as { help: string };
  for (const word of ['--fast', '--only', '--watch', '<path>']) expect(help).toContain(word);
  for (const { id } of [...parts().checks, ...parts().suites]) expect(help).toMatch(new RegExp(`^  ${id} `, 'm'));
});

test('the frameworks are a part of their own, only when they are asked for', () => {
  expect(Object.keys(selected('--frameworks'))).toEqual(['frameworks']);
  expect(Object.keys(selected())).not.toContain('frameworks');
});

describe('the inner loop', () => {
  const files = Object.values(selected('--fast')).flat();
  const FOLDERS = ['test/core/', 'test/engine/', 'test/lambdas/', 'test/names/', 'test/conformance/'];

  test('has every quick check, and of these folders all but what it names', () => {
    expect(Object.keys(selected('--fast'))).toEqual(['biome', 'tsc', 'tsc-page', 'knip', 'ruff', 'jest']);
    const left = testFiles().filter(
      (file) => FOLDERS.some((folder) => file.startsWith(folder)) && !files.includes(file),
    );
    // The list has no name of a file that is gone, and no quick one.
    const source = readFileSync('setup/parts.mjs', 'utf8');
    expect(left).toEqual([...source.matchAll(/^\s+'(test\/\S+\.test\.ts)',$/gm)].map(([, name]) => name));
    expect(files.length).toBeGreaterThan(25);
  });

  /** Every module that a file of ours loads, from the root. */
  function loads(file: string, seen = new Set<string>()): Set<string> {
    if (seen.has(file) || !file.endsWith('.ts') || !existsSync(file)) return seen;
    seen.add(file);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g))
      loads(join(dirname(file), name!), seen);
    return seen;
  }

  test('starts no local cloud', () => {
    expect(loads('test/lambdas/handlers.test.ts')).toContain('local/cloud.ts');
    expect(files.filter((file) => loads(file).has('local/cloud.ts'))).toEqual([]);
  });
});

test('the part with the innermost folder has a test', () => {
  expect(suiteOf('test/python/spark/test_pit.py')?.id).toBe('spark');
  expect(suiteOf('test/python/new/test_x.py')?.id).toBe('pytest');
  expect(suiteOf('test/new/x.test.ts')?.id).toBe('jest');
  expect(suiteOf('test/core/generators.ts')).toBeUndefined();
  expect(suiteOf('core/x.test.ts')).toBeUndefined();
});

test('each test is said once, when its line is whole', () => {
  const path = join(temporary(), 'results');
  const lines = [
    { file: 'a.test.ts', started: true },
    { file: 'a.test.ts', test: { name: 'one', outcome: 'passed', ms: 12 } },
    { file: 'a.test.ts', tests: [{ name: 'one', outcome: 'passed', ms: 12 }], ms: 40 },
    { file: 't.py::two', tests: [{ name: 't.py::two', outcome: 'failed', message: 'no' }], ms: 3 },
  ].map((record) => `${JSON.stringify(record)}\n`);
  expect(endedSince(path, 0)).toEqual({ lines: [], to: 0 });
  writeFileSync(path, `${lines.slice(0, 2).join('')}{"fi`);
  const first = endedSince(path, 0);
  expect(first.lines).toEqual(['  ✓ one (12 ms)']);
  writeFileSync(path, lines.join(''));
  const second = endedSince(path, first.to);
  expect(second.lines).toEqual(['  ✗ t.py::two (3 ms)']);
  expect(endedSince(path, second.to).lines).toEqual([]);
});

describe('watching', () => {
  test('what tools write is no change', () => {
    for (const path of ['.cache/x', 'node_modules/a/b', 'test/__pycache__/x', '.git/index'])
      expect(isOurs(path)).toBe(false);
    expect(isOurs('core/ir/document.ts')).toBe(true);
  });

  test('runs at first, again after a save, and stops what runs', async () => {
    const folder = temporary();
    mkdirSync(join(folder, 'core', 'deep'), { recursive: true });
    mkdirSync(join(folder, 'node_modules'));
    const runs: string[][] = [];
    let stopped = 0;
    const end = new AbortController();
    const until = async (n: number) => {
      for (const from = Date.now(); runs.length < n; await wait(20))
        if (Date.now() - from > 60_000) throw new Error(`found ${runs.length} runs of ${n}`);
    };
    const done = again(
      folder,
      async (stop: AbortSignal, changed: readonly string[]) => {
        runs.push([...changed]);
        // The second one runs on until a save stops it.
        if (runs.length === 2) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
        if (stop.aborted) stopped += 1;
      },
      end.signal,
    );
    await until(1);
    writeFileSync(join(folder, 'node_modules', 'x'), '');
    writeFileSync(join(folder, 'core', 'deep', 'a.ts'), '1');
    await until(2);
    writeFileSync(join(folder, 'root.json'), '1');
    await until(3);
    end.abort();
    await done;
    expect(runs).toEqual([[], [join('core', 'deep', 'a.ts')], ['root.json']]);
    expect(stopped).toBe(1);
  });
});
