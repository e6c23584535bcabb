// Runs every check and every test, all of them even when one fails, and ends with `N passed, N failed`.

import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, ROOT, VENV_PYTHON } from './environment.mjs';
import { runLogged, stopChildrenOnSignals } from './processes.mjs';
import { Progress, seconds } from './progress.mjs';
import { readJest, readPytest } from './results.mjs';

const OUT = join(CACHE, 'test');
/** A part that hangs is ended and counts as failed: the whole run has 25 minutes. */
const PART_MS = 18 * 60_000;
const node = process.execPath;
const bin = (path) => join(ROOT, 'node_modules', path);

/**
 * A part's `read` gives its counts from the machine-readable report; a check without one counts as one test.
 * `only` = the kind a part belongs to, for `npm test -- --only jest`.
 */
function parts() {
  const jestReport = join(OUT, 'jest.json');
  const pytestReport = join(OUT, 'pytest.xml');
  const jest = ['--experimental-vm-modules', '--no-warnings', bin('jest/bin/jest.js'), '--ci', '--json'];
  return {
    checks: [
      { name: 'format and lint (Biome)', log: 'biome', command: [node, bin('@biomejs/biome/bin/biome'), 'check', '.'] },
      { name: 'types (tsc)', log: 'tsc', command: [node, bin('typescript/bin/tsc'), '--noEmit'] },
      {
        name: 'types of the page (tsc)',
        log: 'tsc-page',
        command: [node, bin('typescript/bin/tsc'), '-p', 'cli/page/client'],
      },
      { name: 'Python lint (ruff)', log: 'ruff', command: [VENV_PYTHON, '-m', 'ruff', 'check', '--no-cache', '.'] },
    ],
    suites: [
      {
        name: 'TypeScript tests (jest)',
        log: 'jest',
        report: jestReport,
        command: [node, ...jest, `--outputFile=${jestReport}`],
        progress: (line) => line.match(/^(?:PASS|FAIL)\s+(\S+)/)?.[1],
        read: () => readJest(jestReport),
      },
      {
        name: 'Python tests (pytest)',
        log: 'pytest',
        report: pytestReport,
        command: [
          VENV_PYTHON,
          '-m',
          'pytest',
          'test/python',
          '-v',
          '-p',
          'no:cacheprovider',
          `--junitxml=${pytestReport}`,
        ],
        progress: (line) => line.match(/^(\S+::\S+)/)?.[1],
        read: () => readPytest(pytestReport),
      },
    ],
  };
}

/** @typedef {{ passed: number, failed: number, failures: string[] }} Counts */

async function run(part, environment, progress) {
  const step = progress.start(part.name);
  const log = join(OUT, `${part.log}.log`);
  if (part.report) rmSync(part.report, { force: true });
  const [command, ...args] = part.command;
  const lines = [];
  let done = 0;
  const onLine = (line) => {
    lines.push(line);
    const what = part.progress?.(line);
    if (what) step.update(`${++done} done, last ${what}`);
  };
  const { code, signal } = await runLogged(command, args, {
    cwd: ROOT,
    env: environment,
    log,
    onLine,
    timeoutMs: PART_MS,
  });
  const ended = signal ?? `code ${code}`;
  const counts = countsOf(part, code, ended);
  if (counts.failed === 0) step.done(`${counts.passed} passed`);
  else {
    step.fail(`${counts.passed} passed, ${counts.failed} failed`);
    progress.print(
      [...counts.failures, ...(part.read ? [] : lines.slice(-60)), `(the whole log: ${log})`, ''].join('\n'),
    );
  }
  return counts;
}

/** A part that ended badly without saying which test failed has still failed: it counts as one. @returns {Counts} */
function countsOf(part, code, ended) {
  if (!part.read) return code === 0 ? { passed: 1, failed: 0, failures: [] } : { passed: 0, failed: 1, failures: [] };
  if (!existsSync(part.report)) {
    return { passed: 0, failed: 1, failures: [`${part.name} ended with ${ended} and left no report`] };
  }
  const counts = part.read();
  if (counts.passed + counts.failed === 0) return { ...counts, failed: 1, failures: [`${part.name} ran no test`] };
  if (code !== 0 && counts.failed === 0) {
    return { ...counts, failed: 1, failures: [`${part.name} ended with ${ended} though no test failed`] };
  }
  return counts;
}

/** @returns {Promise<number>} 0 only when nothing failed */
export async function runTests(environment, argv) {
  const only = argv[0] === '--only' ? argv[1] : undefined;
  mkdirSync(OUT, { recursive: true });
  stopChildrenOnSignals();
  const started = Date.now();
  const progress = new Progress();
  const { checks, suites } = parts();
  const env = { ...environment, CI: environment.CI ?? 'true' };
  const wanted = (part) => only === undefined || part.log === only;
  const results = await Promise.all(checks.filter(wanted).map((part) => run(part, env, progress)));
  for (const part of suites.filter(wanted)) results.push(await run(part, env, progress));
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  console.log(`\nin ${seconds(Date.now() - started)}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}
