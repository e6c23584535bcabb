// What the words after `npm test --` ask for.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { ROOT } from './environment.mjs';
import { fastParts, parts, partsFor, suiteOf } from './parts.mjs';

const ALLOWED = '--fast, --frameworks, --only <part>[,<part>], --watch, --help, or paths of tests';
const PATHS = 'allowed: a file *.test.ts or test_*.py below test/, or a folder that has some';

/** @returns {string} */
function help() {
  const { checks, suites } = parts();
  const line = ({ id, name, onDemand }) => `  ${id.padEnd(12)}${name}${onDemand ? '; only when it is asked for' : ''}`;
  return `npm test                         every check and every test
npm test -- --fast               the inner loop, in a minute: lint, types, core, engine, lambdas, contracts
npm test -- --frameworks         only the part of that name, after a set-up of its own (2.5 GB): scikit-learn, TensorFlow, PyTorch
npm test -- <path> …             files or folders of tests, TypeScript or Python, each test as it ends
                                 (one test of Python: test/python/model/test_train.py::test_name)
npm test -- --only <part>[,…]    parts by their names
  --watch                        with --fast or paths: once more whenever a file is saved
  --help                         this

Parts:
${[...checks, ...suites].map(line).join('\n')}`;
}

/**
 * @typedef {object} Selection
 * @property {import('./parts.mjs').Part[]} checks
 * @property {import('./parts.mjs').Part[]} suites
 * @property {boolean} watch
 * @property {boolean} each whether every test is said as it ends
 * @property {boolean} [atOnce] checks and tests side by side; else the checks are first
 */

/**
 * @param {readonly string[]} argv
 * @param {string} [from] the folder that paths are looked up in before the root
 * @returns {Selection | {problem: string} | {help: string}} a problem is one sentence
 */
export function select(argv, from = process.env.INIT_CWD ?? ROOT) {
  const asked = read(argv);
  if (asked.problem || asked.help) return asked;
  const { fast, only, watch, paths } = asked;
  const ways = [
    ...(fast ? ['--fast'] : []),
    ...(only === undefined ? [] : ['--only']),
    ...(paths[0] ? ['a path'] : []),
  ];
  if (ways.length > 1) return { problem: `npm test: found ${ways.join(' and ')} together; allowed: one of them.` };
  if (watch && !fast && paths.length === 0)
    return { problem: `--watch: found with ${only ? '--only' : 'nothing else'}; allowed: with --fast or paths.` };
  if (only !== undefined) return byName(only);
  if (paths.length > 0) return byPath(paths, from, watch);
  if (fast) return { ...fastParts(testFiles()), watch, each: false, atOnce: true };
  const { checks, suites } = parts();
  return { checks, suites: suites.filter(({ onDemand }) => !onDemand), watch, each: false };
}

function read(argv) {
  const asked = { fast: false, watch: false, only: undefined, paths: [] };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i];
    if (word === '--help' || word === '-h') return { help: help() };
    if (word === '--fast') asked.fast = true;
    else if (word === '--watch') asked.watch = true;
    else if (word === '--frameworks') asked.only = 'frameworks';
    else if (word === '--only') asked.only = argv[++i] ?? '';
    else if (word.startsWith('--only=')) asked.only = word.slice('--only='.length);
    else if (word.startsWith('-')) return { problem: `npm test: found ${word}; allowed: ${ALLOWED}.` };
    else asked.paths.push(word);
  }
  return asked;
}

function byName(only) {
  const { checks, suites } = parts();
  const ids = only.split(',');
  const known = [...checks, ...suites].map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined)
    return {
      problem: `--only: found ${unknown || 'nothing'}; allowed: ${known.join(', ')}, or several with commas.`,
    };
  const wanted = ({ id }) => ids.includes(id);
  return { checks: checks.filter(wanted), suites: suites.filter(wanted), watch: false, each: false };
}

function byPath(paths, from, watch) {
  const all = testFiles();
  const files = new Set();
  for (const path of paths) {
    const found = filesAt(path, from, all);
    if (found.problem) return found;
    for (const file of found) files.add(file);
  }
  return { checks: [], suites: partsFor([...files]), watch, each: true };
}

/** @returns {string[] | {problem: string}} test files from the root, `/` between the folders */
function filesAt(path, from, all) {
  const [file, ...test] = path.split('::');
  const absolute = [resolve(from, file), resolve(ROOT, file)].find((each) => existsSync(each));
  if (absolute === undefined) return { problem: `${path}: found nothing there; ${PATHS}.` };
  const name = relative(ROOT, absolute).split(sep).join('/');
  if (test.length > 0) {
    const python = all.includes(name) && suiteOf(name)?.tool === 'pytest';
    return python ? [[name, ...test].join('::')] : { problem: `${path}: found :: behind no test of Python; ${PATHS}.` };
  }
  const isFolder = statSync(absolute).isDirectory();
  const found = isFolder
    ? all.filter((each) => name === '' || each.startsWith(`${name}/`))
    : all.filter((each) => each === name);
  return found.length > 0 ? found : { problem: `${path}: found no test there; ${PATHS}.` };
}

/** @returns {string[]} every test file that belongs to a part, from the root */
export function testFiles() {
  return readdirSync(join(ROOT, 'test'), { recursive: true })
    .map((name) => `test/${name.split(sep).join('/')}`)
    .filter((file) => suiteOf(file) !== undefined)
    .sort();
}
