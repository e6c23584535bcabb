// What `npm test` is made of. A new part is one entry; a test file belongs to the part with the innermost folder around
// it that runs its language (test/setup/parts.test.ts).

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { CACHE, ROOT, VENV_PYTHON } from './environment.mjs';

export const OUT = join(CACHE, 'test');
const REPORTERS = join(ROOT, 'setup', 'reporters');
const MINUTE = 60_000;
/** More than these need more memory than a laptop has to spare. */
const MOST_WORKERS = 4;
const node = process.execPath;
const bin = (path) => join(ROOT, 'node_modules', path);

/** Where TypeScript remembers what it found; each check its own. */
const incremental = (id) => ['--incremental', '--tsBuildInfoFile', join(OUT, `${id}.tsbuildinfo`)];
const tsc = [node, bin('typescript/bin/tsc'), '--noEmit'];

/** Run first, all at once, and with `--fast` too, but for what takes too `long`. */
const CHECKS = [
  { id: 'biome', name: 'format and lint (Biome)', command: [node, bin('@biomejs/biome/bin/biome'), 'check', '.'] },
  { id: 'tsc', name: 'types (tsc)', command: [...tsc, ...incremental('tsc')] },
  {
    id: 'tsc-page',
    name: 'types of the page (tsc)',
    command: [...tsc, '-p', 'console/client', ...incremental('tsc-page')],
  },
  {
    id: 'knip',
    name: 'unused files, exports and dependencies (knip)',
    command: [node, bin('knip/bin/knip.js'), '--no-progress'],
  },
  { id: 'ruff', name: 'Python lint (ruff)', command: [VENV_PYTHON, '-m', 'ruff', 'check', '--no-cache', '.'] },
  { id: 'pyright', name: 'Python types (pyright)', command: [node, bin('pyright/index.js')], long: true },
];

/**
 * Then these, in this order: what mostly waits in a lane of its own, beside it what works, the longest first.
 * @type {readonly Suite[]}
 */
const SUITES = [
  {
    id: 'e2e',
    name: 'the deployed app, end to end (jest)',
    tool: 'jest',
    folder: 'test/e2e',
    waits: true,
    silenceMs: 15 * MINUTE,
  },
  {
    id: 'jest',
    name: 'TypeScript tests (jest)',
    tool: 'jest',
    folder: 'test',
    workers: Math.min(MOST_WORKERS, Math.max(2, availableParallelism() - 1)),
    fast: {
      name: 'core, engine, lambdas and contracts (jest)',
      folders: ['test/core', 'test/engine', 'test/lambdas', 'test/names', 'test/conformance'],
      // They start the local cloud, wait out real time limits, or try all slices of a day.
      without: [
        'test/engine/slices.test.ts',
        'test/lambdas/adapters.test.ts',
        'test/lambdas/alerting.test.ts',
        'test/lambdas/erasure.test.ts',
        'test/lambdas/features-alone.test.ts',
        'test/lambdas/freshness.test.ts',
        'test/lambdas/handlers.test.ts',
        'test/lambdas/intake-bus-and-files.test.ts',
        'test/lambdas/intake-http/real-front-door.test.ts',
        // It starts a PostgreSQL.
        'test/lambdas/intake-stream/postgres.test.ts',
        'test/lambdas/patience.test.ts',
        'test/lambdas/real-endpoint.test.ts',
        'test/lambdas/retirement.test.ts',
        'test/lambdas/two-versions.test.ts',
      ],
    },
  },
  { id: 'spark', name: 'Python tests on Spark (pytest)', tool: 'pytest', folder: 'test/python/spark' },
  {
    id: 'frameworks',
    name: 'models of other frameworks, trained, exported and served (pytest)',
    tool: 'pytest',
    folder: 'test/python/frameworks',
    silenceMs: 15 * MINUTE,
    onDemand: true,
  },
  { id: 'pytest', name: 'Python tests (pytest)', tool: 'pytest', folder: 'test/python' },
  {
    id: 'mlflow',
    name: 'what a real MLflow server is told (pytest)',
    tool: 'pytest',
    folder: 'test/python/mlflow',
    silenceMs: 15 * MINUTE,
    onDemand: true,
  },
  {
    id: 'e2e-prod',
    name: 'stage prod, end to end (jest)',
    tool: 'jest',
    folder: 'test/e2e-prod',
    silenceMs: 15 * MINUTE,
    onDemand: true,
  },
  {
    id: 'readme',
    name: "the documents' ways, command by command (jest)",
    tool: 'jest',
    folder: 'test/readme',
    silenceMs: 15 * MINUTE,
    onDemand: true,
  },
];

/** How each tool names its test files. */
const TESTS = { jest: /\.test\.ts$/, pytest: /(^|\/)test_[^/]*\.py$/ };

/**
 * @typedef {object} Suite
 * @property {string} id for `--only`, and the name of its log
 * @property {string} name
 * @property {'jest' | 'pytest'} tool
 * @property {string} folder
 * @property {number} [workers] processes that share its files
 * @property {number} [silenceMs] it is ended when nothing new was said and no test ended for so long
 * @property {boolean} [waits] it runs beside those that work
 * @property {boolean} [onDemand] only with `--only` or a path
 * @property {{name: string, folders: readonly string[], without: readonly string[]}} [fast] what of it `--fast` runs
 */

/**
 * @typedef {object} Part
 * @property {string} id for `--only`, and the name of its log
 * @property {string} name
 * @property {readonly string[]} command
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [results] where its reporter writes; a part without one is one test
 * @property {number} silenceMs
 * @property {boolean} [waits]
 * @property {boolean} [onDemand]
 */

/** @returns {{checks: Part[], suites: Part[]}} */
export function parts() {
  return { checks: checks(), suites: SUITES.map((suite) => partOf(suite)) };
}

/** @param {readonly string[]} files all there are @returns {{checks: Part[], suites: Part[]}} the inner loop */
export function fastParts(files) {
  const suites = SUITES.filter(({ fast }) => fast).map((suite) => {
    const { folders, without, name } = suite.fast;
    const taken = (file) => folders.some((folder) => isIn(file, folder)) && !without.includes(file);
    return partOf({ ...suite, name }, files.filter((file) => suiteOf(file) === suite).filter(taken));
  });
  return { checks: checks(({ long }) => !long), suites };
}

/** @param {readonly string[]} files tests @returns {Part[]} each with the environment of its part, one at a time */
export function partsFor(files) {
  return SUITES.map((suite) => [suite, files.filter((file) => suiteOf(file) === suite)])
    .filter(([, own]) => own.length > 0)
    .map(([suite, own]) => partOf({ ...suite, waits: false }, own));
}

/** @param {string} file from the root, also with `::` and what pytest puts behind it @returns {Suite | undefined} */
export function suiteOf(file) {
  const [path] = file.split('::');
  const around = SUITES.filter(({ tool, folder }) => TESTS[tool].test(path) && isIn(path, folder));
  return around.sort((one, other) => other.folder.length - one.folder.length)[0];
}

const isIn = (path, folder) => path.startsWith(`${folder}/`);

function checks(wanted = () => true) {
  return CHECKS.filter(wanted).map(({ long: _, ...check }) => ({ ...check, silenceMs: 10 * MINUTE }));
}

/** @param {Suite} suite @param {readonly string[]} [files] these of it @returns {Part} */
function partOf(suite, files) {
  const { id, name, silenceMs = 10 * MINUTE, waits = false, onDemand = false } = suite;
  const results = join(OUT, `${id}.ndjson`);
  const { command, env = {} } = suite.tool === 'jest' ? jest(suite, files) : pytest(suite, files);
  return { id, name, command, silenceMs, waits, onDemand, results, env: { ...env, TIDEMARK_RESULTS: results } };
}

/** Folders in this one that another part has. */
function others({ tool, folder }) {
  return SUITES.filter((other) => other.tool === tool && isIn(other.folder, folder)).map((other) => other.folder);
}

function jest(suite, files) {
  const { folder, workers: most = 1 } = suite;
  const workers = Math.min(most, files?.length ?? most);
  const ignored = others(suite).flatMap((other) => ['--testPathIgnorePatterns', `/${other}/`]);
  // The paths first: an option that takes a list would take them too.
  const which = files ? ['--runTestsByPath', ...files] : [`${folder}/`, ...ignored];
  return {
    command: [
      ...[node, '--experimental-vm-modules', '--no-warnings', bin('jest/bin/jest.js'), ...which, '--ci'],
      ...(workers === 1 ? ['--runInBand'] : [`--maxWorkers=${workers}`]),
      ...['--reporters=default', `--reporters=${join(REPORTERS, 'jest.mjs')}`],
    ],
  };
}

function pytest(suite, files) {
  const which = files ?? [suite.folder, ...others(suite).map((other) => `--ignore=${other}`)];
  return {
    command: [VENV_PYTHON, '-m', 'pytest', ...which, '-v', '-p', 'no:cacheprovider', '-p', 'tidemark_results'],
    env: { PYTHONPATH: REPORTERS },
  };
}
