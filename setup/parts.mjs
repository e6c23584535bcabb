// What `npm test` is made of. A new part is one entry; what it holds, no other part may hold (test/setup/parts.test.ts).

import { join } from 'node:path';
import { CACHE, ROOT, VENV_PYTHON } from './environment.mjs';

export const OUT = join(CACHE, 'test');
const REPORTERS = join(ROOT, 'setup', 'reporters');
const MINUTE = 60_000;
const node = process.execPath;
const bin = (path) => join(ROOT, 'node_modules', path);

/** Folders of jest that are a part of their own. */
const OWN_PART = ['test/e2e', 'test/e2e-prod', 'test/readme'];
const SPARK = 'test/python/spark';

/**
 * Checks run first, all at once. Then the suites, in this order, as many at a time as `SUITES_AT_ONCE`: the longest
 * first, and beside one that mostly waits one that works.
 * @returns {{checks: Part[], suites: Part[]}}
 */
export function parts() {
  return {
    checks: [
      check('biome', 'format and lint (Biome)', [node, bin('@biomejs/biome/bin/biome'), 'check', '.']),
      check('tsc', 'types (tsc)', [node, bin('typescript/bin/tsc'), '--noEmit']),
      check('tsc-page', 'types of the page (tsc)', [node, bin('typescript/bin/tsc'), '-p', 'console/client']),
      check('ruff', 'Python lint (ruff)', [VENV_PYTHON, '-m', 'ruff', 'check', '--no-cache', '.']),
    ],
    suites: [
      jest('e2e', 'the deployed app, end to end (jest)', { folder: 'test/e2e', silenceMs: 15 * MINUTE }),
      jest('jest', 'TypeScript tests (jest)', { workers: 2 }),
      pytest('spark', 'Python tests on Spark (pytest)', [SPARK]),
      pytest('pytest', 'Python tests (pytest)', ['test/python', `--ignore=${SPARK}`]),
      jest('e2e-prod', 'stage prod, end to end (jest)', {
        folder: 'test/e2e-prod',
        silenceMs: 15 * MINUTE,
        onDemand: true,
      }),
      jest('readme', "the README's way to AWS, command by command (jest)", {
        folder: 'test/readme',
        silenceMs: 15 * MINUTE,
        onDemand: true,
      }),
    ],
  };
}

/**
 * @typedef {object} Part
 * @property {string} id for `--only`, and the name of its log
 * @property {string} name
 * @property {readonly string[]} command
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [results] where its reporter writes; a part without one is one test
 * @property {number} silenceMs it is ended when nothing new was said and no test ended for so long
 * @property {boolean} [onDemand] only with `--only`
 */

/** @param {string} id @param {string} name @param {readonly string[]} command @returns {Part} */
function check(id, name, command) {
  return { id, name, command, silenceMs: 10 * MINUTE };
}

/**
 * @param {string} id @param {string} name
 * @param {{folder?: string, workers?: number, silenceMs?: number, onDemand?: boolean}} how without a folder: what no
 * other part has
 * @returns {Part}
 */
function jest(id, name, { folder, workers = 1, silenceMs = 10 * MINUTE, onDemand = false }) {
  const which = folder ? [`${folder}/`] : OWN_PART.flatMap((own) => ['--testPathIgnorePatterns', `/${own}/`]);
  const command = [
    // The folder first: an option that takes a list would take it too.
    ...[node, '--experimental-vm-modules', '--no-warnings', bin('jest/bin/jest.js'), ...which, '--ci'],
    ...(workers === 1 ? ['--runInBand'] : [`--maxWorkers=${workers}`]),
    ...['--reporters=default', `--reporters=${join(REPORTERS, 'jest.mjs')}`],
  ];
  return suite(id, name, command, silenceMs, { onDemand });
}

/** @param {string} id @param {string} name @param {readonly string[]} which folders and options @returns {Part} */
function pytest(id, name, which) {
  const command = [VENV_PYTHON, '-m', 'pytest', ...which, '-v', '-p', 'no:cacheprovider', '-p', 'tidemark_results'];
  return suite(id, name, command, 10 * MINUTE, { env: { PYTHONPATH: REPORTERS } });
}

function suite(id, name, command, silenceMs, { env = {}, onDemand = false }) {
  const results = join(OUT, `${id}.ndjson`);
  return { id, name, command, silenceMs, onDemand, results, env: { ...env, TIDEMARK_RESULTS: results } };
}
