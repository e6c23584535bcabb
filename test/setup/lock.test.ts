/** `npm ci` works with npm 10 and 11 on every platform, from any registry: what of this the lock itself can say. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly inBundle?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Locked;
const { '': root, ...packages } = (
  JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> }
).packages;

/** As Node looks for it: beside the package, then a folder up, and so on. */
function find(name: string, from: string): Locked | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const found = packages[`${at}${at ? '/' : ''}node_modules/${name}`];
    if (found || at === '') return found;
  }
}

test('is of this package.json', () => {
  expect(root?.dependencies).toEqual(manifest.dependencies);
  expect(root?.devDependencies).toEqual(manifest.devDependencies);
});

test('lists every optional package, of whatever platform (else npm ci of npm 11 refuses it)', () => {
  const wanted = Object.entries(packages).flatMap(([at, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).map((name) => [at, name] as const),
  );
  const platforms = (prefix: string) => wanted.filter(([, name]) => name.startsWith(prefix)).length;
  expect(platforms('@esbuild/')).toBeGreaterThan(20);
  expect(platforms('@biomejs/cli-')).toBeGreaterThan(6);
  expect(platforms('@swc/core-')).toBeGreaterThan(8);
  expect(wanted.filter(([at, name]) => !find(name, at))).toEqual([]);
});

test('pins bytes by their hash, and names no registry', () => {
  const entries = Object.entries(packages).filter(([, { inBundle }]) => !inBundle);
  expect(entries.length).toBeGreaterThan(400);
  expect(entries.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''))).toEqual([]);
  expect(entries.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});
