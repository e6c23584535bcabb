/**
 * What holds the house up: who may import whom, no circles, no file or function that does two things, and no path that a
 * comment or a document names after it went away. The same of Python: test/python/tidy.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { FILES, type Import, importsOf, isCode, ROOT, textOf } from './sources.ts';

/** Room by room: what of this repository, and what packages, its files may import. Whoever is not listed may import all but a test. */
const MAY_IMPORT: Readonly<
  Record<string, { readonly ours: readonly RegExp[]; readonly packages?: readonly RegExp[] }>
> = {
  core: { ours: [/^core\//], packages: [/^zod$/, /^node:(crypto|zlib)$/, /^fast-xml-parser$/] },
  names: { ours: [/^(names|core)\//], packages: [/^zod$/] },
  engine: { ours: [/^(engine|core|names)\//], packages: [/^zod$/, /^node:/] },
  lambdas: { ours: [/^(lambdas|engine|core|names)\//] },
  lib: { ours: [/^(lib|core|names)\//, /^lambdas\/[\w-]+\/env\.ts$/] },
  console: { ours: [/^(console|core|names)\//] },
  usecases: { ours: [/^usecases\//] },
  cli: { ours: [/^(cli|console|core|engine|lambdas|lib|local|names|setup|usecases)\//] },
  local: { ours: [/^(local|setup)\//] },
  setup: { ours: [/^setup\//] },
};

const MOST_LINES = 320;
const MOST_FUNCTION_LINES = 70;

const CODE = FILES.filter(isCode);
const IMPORTS = CODE.flatMap(importsOf);
const roomOf = (path: string): string => path.slice(0, path.indexOf('/'));
const isOurs = ({ to }: Import): boolean => FILES.includes(to);
const shown = ({ from, to }: Pick<Import, 'from' | 'to'>): string => `${from} → ${to}`;

describe('imports', () => {
  test.each(Object.entries(MAY_IMPORT))('%s', (room, { ours, packages }) => {
    const wrong = IMPORTS.filter(({ from }) => roomOf(from) === room).filter((one) => {
      const rules = isOurs(one) ? ours : packages;
      return rules !== undefined && !rules.some((rule) => rule.test(one.to));
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  test('the command line is imported by nobody but tests and the generator of its documents', () => {
    const wrong = IMPORTS.filter(({ from, to }) => /^cli\//.test(to) && !/^(bench|cli|test|docs)\//.test(from));
    expect(wrong.map(shown)).toEqual([]);
  });

  test('nothing that ships imports a test', () => {
    expect(IMPORTS.filter(({ from, to }) => /^test\//.test(to) && !/^test\//.test(from)).map(shown)).toEqual([]);
  });

  test('go round in no circle, those of types neither', () => {
    expect(circles(IMPORTS.filter(isOurs))).toEqual([]);
  });

  test('a circle is found', () => {
    const edges = [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'b'],
      ['c', 'd'],
    ].map(([from, to]) => ({ from: from!, to: to! }));
    expect(circles(edges)).toEqual([['b', 'c']]);
  });
});

describe('size', () => {
  test(`no file has more than ${MOST_LINES} lines`, () => {
    const long = CODE.map((file) => [file, textOf(file).split('\n').length - 1] as const);
    expect(long.filter(([, lines]) => lines > MOST_LINES)).toEqual([]);
  });

  test(`no function has more than ${MOST_FUNCTION_LINES} lines`, () => {
    expect(CODE.flatMap(longFunctions)).toEqual([]);
  });
});

test('every path that a comment or a document names is there', () => {
  const gone = FILES.filter((file) => /\.(ts|mjs|py|md|css|html)$/.test(file)).flatMap((file) =>
    [...proseOf(file).matchAll(NAMED_PATH)]
      .map(([path]) => path)
      .filter((path) => FOLDERS.has(roomOf(path)) && !isThere(path, file))
      .map((path) => `${file}: ${path}`),
  );
  expect(gone).toEqual([]);
});

/** A path with a folder before it and an ending behind, not part of a longer one. */
const NAMED_PATH = /(?<![\w@./:<>*{}$~-])[a-z][\w-]*(?:\/[\w.-]+)+\.(?:ts|mjs|py|md|json|css|html)(?![\w*<>{}/-])/g;
/** The names of all folders: a path may begin at any of them, as `tidemark_spark/…` does. */
const FOLDERS = new Set(FILES.flatMap((file) => file.split('/').slice(0, -1)));

function isThere(path: string, file: string): boolean {
  return FILES.some((one) => one === path || one.endsWith(`/${path}`)) || existsSync(join(ROOT, dirname(file), path));
}

/** Of code its comments and docstrings: a string may well name what a test is about to make. */
function proseOf(file: string): string {
  const text = textOf(file);
  if (file.endsWith('.py')) return text.match(/#[^\n]*|"""[\s\S]*?"""/g)?.join('\n') ?? '';
  if (!isCode(file)) return text;
  const comments: string[] = [];
  const scanner = ts.createScanner(ts.ScriptTarget.ESNext, false, ts.LanguageVariant.Standard, text);
  for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan())
    if (token === ts.SyntaxKind.SingleLineCommentTrivia || token === ts.SyntaxKind.MultiLineCommentTrivia)
      comments.push(scanner.getTokenText());
  return comments.join('\n');
}

/** Strongly connected parts of more than one file (Tarjan 1972), each in order. */
function circles(edges: readonly Pick<Import, 'from' | 'to'>[]): string[][] {
  const next = new Map<string, { readonly to: string }[]>();
  for (const edge of edges) next.set(edge.from, [...(next.get(edge.from) ?? []), edge]);
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const at = order.size;
    order.set(file, at);
    low.set(file, at);
    open.push(file);
    for (const { to } of next.get(file) ?? []) {
      const reached = order.has(to) ? (open.includes(to) ? order.get(to)! : at) : visit(to);
      low.set(file, Math.min(low.get(file)!, reached));
    }
    if (low.get(file) === at) {
      const part = open.splice(open.indexOf(file));
      if (part.length > 1) found.push(part.sort());
    }
    return low.get(file)!;
  };
  for (const file of next.keys()) if (!order.has(file)) visit(file);
  return found;
}

/** A `describe` holds tests, as a file does: it is no function in this sense. */
function longFunctions(file: string): string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.ESNext, true);
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body && !isDescribed(node)) {
      const [first, last] = [lineOf(node.getStart(source)), lineOf(node.end)];
      if (last - first + 1 > MOST_FUNCTION_LINES) found.push(`${file}:${first + 1} has ${last - first + 1} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isDescribed({ parent }: ts.Node): boolean {
  return ts.isCallExpression(parent) && /^describe\b/.test(parent.expression.getText());
}
