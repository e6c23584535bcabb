/** `npm run bench -- --against`: what is a regression, who is measured when, and which checkout it is. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { baselineOf } from '../../bench/against/baseline.ts';
import { againstTable, ratiosOf } from '../../bench/against/ratios.ts';
import { against } from '../../bench/against/run.ts';
import { row } from '../../bench/rows.ts';

const round = (base: number, ours: number, unit: string) => ({
  base: [row('a', base, unit)],
  ours: [row('a', ours, unit)],
});

describe('ratios', () => {
  test.each([
    ['a rate that fell by a tenth and more', 'events/s', 100, 89, true],
    ['a rate that fell by less', 'events/s', 100, 92, false],
    ['a rate that rose', 'events/s', 100, 200, false],
    ['a time that grew by more than a tenth', 'µs', 100, 111, true],
    ['a time that grew by less', 'µs', 100, 109, false],
    ['a size that shrank', 'bytes', 100, 10, false],
  ])('%s', (_, unit, base, ours, regressed) => {
    expect(ratiosOf([round(base, ours, unit)]).ratios).toMatchObject([{ regressed }]);
  });

  test('are paired by round: when both are slow in the same one, nothing changed', () => {
    const [ratio] = ratiosOf([round(100, 100, 'µs'), round(900, 900, 'µs'), round(10, 12, 'µs')]).ratios;
    expect(ratio).toMatchObject({ worse: { median: 1, low: 1, high: 1.2 }, regressed: false });
  });

  test('one round of bad luck is no regression, most of them are', () => {
    const rounds = [1, 1.5, 1.02].map((ours) => round(1, ours, 'µs'));
    expect(ratiosOf(rounds).ratios[0]?.regressed).toBe(false);
    expect(ratiosOf([...rounds, round(1, 1.3, 'µs'), round(1, 1.3, 'µs')]).ratios[0]?.regressed).toBe(true);
  });

  test('a row of one side alone is said; nothing, and what has no ratio, are refused', () => {
    const found = ratiosOf([
      { base: [row('a', 1, 's'), row('gone', 1, 's')], ours: [row('a', 1, 's'), row('new', 1, 's')] },
    ]);
    expect(found.ratios.map(({ name }) => name)).toEqual(['a']);
    expect(found.unpaired).toEqual(['new', 'gone']);
    expect(() => ratiosOf([])).toThrow('found none');
    expect(() => ratiosOf([round(0, 1, 's')])).toThrow('a: found 0; allowed: above 0');
  });

  test('the table has both medians, the ratio and its spread', () => {
    const lines = againstTable(ratiosOf([round(100, 150, 'µs'), round(100, 120, 'µs')]).ratios).split('\n');
    expect(lines[1]).toMatch(/^a +100 µs +135 µs +1\.350 +1\.200 +1\.500 +REGRESSED$/);
  });
});

describe('the baseline', () => {
  let root: string;
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
  const put = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  const commit = (name: string) => {
    git('add', '-A');
    git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-qm', name);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tidemark-against-'));
    git('init', '-q');
    put('.gitignore', 'node_modules\n.cache\n.venv\n');
    put('empty', '');
    commit('empty');
    put('package-lock.json', '1');
    put('requirements.txt', '1');
    put('bench/run.ts', 'old');
    commit('old');
    put('bench/run.ts', 'new');
    put('node_modules/a/index.js', 'package');
    put('.venv/bin/python', '');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('is the commit, with our packages by hard links, and the same one the second time', () => {
    const { folder } = baselineOf(root, 'HEAD', () => {});
    expect(readFileSync(join(folder, 'bench/run.ts'), 'utf8')).toBe('old');
    expect(statSync(join(folder, 'node_modules/a/index.js')).ino).toBe(
      statSync(join(root, 'node_modules/a/index.js')).ino,
    );
    expect(lstatSync(join(folder, '.venv')).isSymbolicLink()).toBe(true);
    const said: string[] = [];
    expect(baselineOf(root, 'HEAD', (text) => said.push(text)).folder).toBe(folder);
    expect(said).toEqual([]);
  });

  test('with another lock is refused until it has packages of its own', () => {
    put('package-lock.json', '2');
    const make = () => baselineOf(root, 'HEAD', () => {});
    expect(make).toThrow(
      /HEAD has another package-lock\.json, so our packages are not its own: `npm run setup` in \.cache/,
    );
    const folder = join(root, '.cache', 'baseline', git('rev-parse', 'HEAD').slice(0, 12));
    mkdirSync(join(folder, 'node_modules'));
    expect(make().folder).toBe(folder);
  });

  test('that is no commit, an option, or has no benchmarks is refused', () => {
    expect(() => baselineOf(root, 'none', () => {})).toThrow(/^--against: found no commit none; allowed: what/);
    expect(() => baselineOf(root, '--all', () => {})).toThrow(/found no commit --all/);
    expect(() => baselineOf(root, 'HEAD~1', () => {})).toThrow(/found no bench\/run\.ts in HEAD~1/);
  });

  test('and ours take turns in every round, and in who is first', async () => {
    const order: string[] = [];
    const measure = async (folder: string, part: string) => {
      order.push(`${part} ${folder === root ? 'here' : 'base'}`);
      return [row(`${part} x`, folder === root ? 2 : 1, 'µs')];
    };
    const found = await against({ root, rev: 'HEAD', parts: ['read', 'state'], rounds: 2 }, () => {}, measure);
    expect(order).toEqual(
      ['read', 'state'].flatMap((part) => ['base', 'here', 'here', 'base'].map((side) => `${part} ${side}`)),
    );
    expect(found.ratios.map(({ name, regressed }) => [name, regressed])).toEqual([
      ['read x', true],
      ['state x', true],
    ]);
  });
});
