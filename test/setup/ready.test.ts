/** Before the set-up, and after half of it, every command says in one sentence which command sets up. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { program } from '../../cli/main.ts';

let folder: string;
/** A checkout with nothing installed. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-bare-'));
  const files = ['package.json', 'package-lock.json', '.npmrc', 'requirements.txt', 'local/jars.lock.json'];
  for (const file of [...files, 'setup', 'cli/tidemark.mjs', 'local/tidemark_local/glue/jars.py']) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(resolve(file), join(folder, file), { recursive: true });
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

function tidemark(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'cli/tidemark.mjs'), ...args], {
    encoding: 'utf8',
    cwd: tmpdir(),
  });
  return { status, stdout, lines: stderr.trimEnd().split('\n') };
}

/** Every command of the command line, by its words. */
function commands({ commands: some }: Command, before: readonly string[] = []): string[][] {
  return some.flatMap((one) => {
    const words = [...before, one.name()];
    return one.commands.length > 0 ? commands(one as Command, words) : [words];
  });
}

/** Packages of the versions that are asked for, without any code. */
function pretendPackages(change: Readonly<Record<string, string>> = {}): void {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(resolve('package.json'), 'utf8'));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...change })) {
    mkdirSync(join(folder, 'node_modules', name), { recursive: true });
    writeFileSync(join(folder, 'node_modules', name, 'package.json'), JSON.stringify({ name, version }));
  }
}

const sentence = (what: string) => [
  expect.stringMatching(
    new RegExp(`^Tidemark is not .*${what}.*: run \`npm run setup\`, and then this command again\\.$`),
  ),
];

test('nothing is installed: every command, its help and no command', () => {
  const all = commands(program());
  expect(all.length).toBeGreaterThan(20);
  for (const words of [...all, [], ['--help'], ['put', '--stage', 'dev', '--file', 'x']])
    expect(tidemark(...words)).toEqual({ status: 1, stdout: '', lines: sentence('node_modules is missing') });
});

describe('half of it is installed', () => {
  test.each([
    ['another version', { commander: '1.0.0' }, 'node_modules has commander 1\\.0\\.0, not \\d+'],
    ['a package less', { tsx: '' }, 'node_modules has tsx'],
  ])('%s', (_, change, what) => {
    pretendPackages(change);
    expect(tidemark('page')).toMatchObject({ status: 1, lines: sentence(what) });
  });

  test('packages only: what goes to the local cloud or to Spark', () => {
    pretendPackages();
    for (const words of [
      ['put', '--file', 'x'],
      ['local', 'start'],
      ['demo'],
      ['features', 'eval', '--engine', 'spark'],
    ])
      expect(tidemark(...words)).toMatchObject({ status: 1, lines: sentence('\\.venv and \\.cache/jars') });
  });

  test('no jars', () => {
    pretendPackages();
    symlinkSync(resolve('.venv'), join(folder, '.venv'));
    expect(tidemark('deploy')).toMatchObject({ status: 1, lines: sentence('\\(\\.cache/jars') });
    mkdirSync(join(folder, '.cache/jars'), { recursive: true });
    cpSync(resolve('.cache/jars/.tidemark-stamp'), join(folder, '.cache/jars/.tidemark-stamp'));
    expect(tidemark('deploy')).toMatchObject({ status: 1, lines: sentence('\\(\\.cache/jars') });
  });

  test('other requirements than were installed', () => {
    pretendPackages();
    symlinkSync(resolve('.venv'), join(folder, '.venv'));
    symlinkSync(resolve('.cache'), join(folder, '.cache'));
    writeFileSync(join(folder, 'requirements.txt'), 'other==1\n');
    expect(tidemark('page')).toMatchObject({ status: 1, lines: sentence('\\(\\.venv missing or outdated') });
  });
});

test.each([
  [['put', '--stage', 'dev', '--file', 'x']],
  [['put', '--stage=prod', '--file', 'x']],
  [['features', 'eval', '--usecase', 'churn']],
  [['features', 'release', '--usecase', 'churn']],
  [['local', 'stop']],
  [['doctor']],
  [['train', '--help']],
])('without Python, what needs none is not held up: %j', (words) => {
  pretendPackages();
  // The packages have no code: the command line itself can't be loaded, and that is as far as it has to come.
  expect(tidemark(...words).lines.join('\n')).toContain('tsx');
});
