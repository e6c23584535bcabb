/** Links, anchors, paths and commands of all documents, and what the code says of documents: they are there. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { program } from '../../cli/main.ts';
import { documents, ROOT } from '../../docs/generate/documents.ts';
import { anchorsOf, codeOf, fencesOf, linksOf } from './markdown.ts';

const text = new Map(documents().map((name) => [name, readFileSync(join(ROOT, name), 'utf8')]));
const TOP = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => !entry.name.startsWith('.'));
const FOLDERS = TOP.filter((entry) => entry.isDirectory() && entry.name !== 'node_modules').map(({ name }) => name);

function filesBelow(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => !/node_modules|cdk\.out|__pycache__/.test(name)).map((name) => join(folder, name));
}

/** What is wrong with a link; nothing when it leads somewhere. @param from folder of the document */
function problemOf(target: string, from: string, own: string): string | undefined {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? own : relative(ROOT, resolve(ROOT, from, decodeURIComponent(path)));
  if (!existsSync(join(ROOT, file))) return `${target}: there is no ${file}`;
  if (anchor === undefined) return undefined;
  const document = text.get(file);
  return document !== undefined && anchorsOf(document).has(anchor)
    ? undefined
    : `${target}: ${file} has no heading of this name`;
}

test.each([...text.keys()])('%s: every link leads somewhere', (name) => {
  const problems = linksOf(text.get(name)!).flatMap((target) => problemOf(target, dirname(name), name) ?? []);
  expect(problems).toEqual([]);
});

test('a link to no file and to no heading is found', () => {
  const broken = linksOf('# A b, `c`\n[x](#a-b-c) [y](#none) [z](none.md) ![i](docs/images/none.svg)');
  expect(anchorsOf('# A b, `c`')).toEqual(new Set(['a-b-c']));
  expect(broken.slice(1).map((target) => problemOf(target, '', 'README.md') !== undefined)).toEqual([true, true, true]);
});

test('every document that is named in the code is there, and has the heading', () => {
  const sources = FOLDERS.flatMap(filesBelow).filter(
    (name) => /\.(ts|mjs|py)$/.test(name) && !name.startsWith('test/docs'),
  );
  const named = sources.flatMap((name) =>
    [...readFileSync(join(ROOT, name), 'utf8').matchAll(/\bdocs\/[\w/-]+\.md(?:#[a-z0-9-]+)?/g)].map(([target]) => ({
      name,
      target,
    })),
  );
  expect(named.length).toBeGreaterThan(8);
  const problems = named.flatMap(({ name, target }) => {
    const problem = problemOf(target, '', name);
    return problem ? [`${name}: ${problem}`] : [];
  });
  expect(problems).toEqual([]);
});

/** A path of the repository, or a test by its name. */
function missing(code: string, tests: ReadonlySet<string>): boolean {
  if (/^(test_\w+\.py|[\w-]+\.(test|cases)\.ts)$/.test(code)) return !tests.has(code);
  const [top = '', ...rest] = code.split('/');
  if (rest.length === 0 || !FOLDERS.includes(top) || !/^[\w./-]+$/.test(code)) return false;
  return !existsSync(join(ROOT, code));
}

test.each([...text.keys()])('%s: every path is there', (name) => {
  const tests = new Set(filesBelow('test').map((path) => path.split('/').at(-1)!));
  expect(codeOf(text.get(name)!).filter((code) => missing(code, tests))).toEqual([]);
});

/** What is wrong with a command line; nothing when the program would take it. */
function refusalOf(line: string): string | undefined {
  const [, npm, rest] = /^npm run ([\w:]+)(?: -- (.*))?$/.exec(line) ?? [];
  if (npm !== undefined) {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    if (!Object.hasOwn(scripts, npm)) return `${line}: there is no script ${npm}`;
    return npm === 'demo' ? refusalOf(`tidemark demo ${rest ?? ''}`) : undefined;
  }
  const [, args] = /^(?:npx )?tidemark ([a-z].*)$/.exec(line) ?? [];
  if (args === undefined) return undefined;
  let command: Command = program();
  const options = new Set(['--help']);
  for (const word of args.replace(/[<>] .*$/, '').split(/\s+/)) {
    const sub = command.commands.find((one) => one.name() === word);
    if (sub) command = sub;
    else if (
      command.commands.length > 0 &&
      !word.startsWith('-') &&
      command.registeredArguments.length === 0 &&
      options.size === 1
    )
      return `${line}: ${command.name()} has no command ${word}`;
    for (const { long } of sub?.options ?? []) if (long) options.add(long);
    if (word.startsWith('--') && !options.has(word.split('=')[0]!)) return `${line}: there is no ${word}`;
  }
  return undefined;
}

test.each([...text.keys()])('%s: every command is one', (name) => {
  const blocks = fencesOf(text.get(name)!).filter(({ language }) => language === 'sh');
  const lines = blocks.flatMap(({ code }) => code.split('\n')).map((line) => line.replace(/\s+#.*$/, '').trim());
  const all = [...lines, ...codeOf(text.get(name)!)];
  expect(all.flatMap((line) => refusalOf(line) ?? [])).toEqual([]);
});

test.each(['npx tidemark het', 'npx tidemark features now --stage dev', 'tidemark heal --mend', 'npm run lnt'])(
  '%s is found to be no command',
  (line) => expect(refusalOf(line)).toBeDefined(),
);

test('every page of docs is reached from its index', () => {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name) || !text.has(name)) return;
    reached.add(name);
    for (const target of linksOf(text.get(name)!)) {
      const path = target.split('#')[0]!;
      if (path === '' || /^[a-z]+:/.test(path)) continue;
      const file = relative(ROOT, resolve(ROOT, dirname(name), path));
      const isFolder = existsSync(join(ROOT, file)) && statSync(join(ROOT, file)).isDirectory();
      for (const next of isFolder ? [...text.keys()].filter((one) => dirname(one) === file) : [file]) visit(next);
    }
  };
  visit('docs/README.md');
  expect([...text.keys()].filter((name) => name.startsWith('docs/') && !reached.has(name))).toEqual([]);
});
