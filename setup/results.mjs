// What the reporters of jest and pytest wrote, also when their process was ended in between.

import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Counts
 * @property {number} passed tests
 * @property {number} failed tests, and files that could not run
 * @property {string[]} failures what each of them said
 * @property {string[]} warnings tests to be done (jest's `todo`): what has to be looked at, and fails nothing yet
 * @property {string[]} unfinished files (jest) or tests (pytest) that were started and did not end
 */

/**
 * A line is one of `{file, started}`, `{file, test}` (one ended, its file goes on) and `{file, tests, broken?}` (the
 * file ended; replaces its lines before). A last line that was cut off is left out. Skipped tests count as neither.
 * @param {string} path @returns {Counts | undefined} undefined: nothing was written
 */
export function readResults(path) {
  if (!existsSync(path)) return undefined;
  /** @type {Map<string, {tests: object[], ended: boolean, broken?: string}>} */
  const files = new Map();
  for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    const { file, started, test, tests, broken } = JSON.parse(line);
    if (started) files.set(file, { tests: [], ended: false });
    else if (test) files.get(file)?.tests.push(test);
    else files.set(file, { tests, ended: true, broken });
  }
  const counts = { passed: 0, failed: 0, failures: [], warnings: [], unfinished: [] };
  for (const [file, { tests, ended, broken }] of files) {
    if (!ended) counts.unfinished.push(file);
    for (const { name, outcome, message } of tests) {
      if (outcome === 'passed') counts.passed += 1;
      if (outcome === 'todo') counts.warnings.push(`! ${name}`);
      if (outcome !== 'failed') continue;
      counts.failed += 1;
      counts.failures.push(`✗ ${name.startsWith(file) ? name : `${file} › ${name}`}\n${message}`);
    }
    if (broken === undefined) continue;
    counts.failed += 1;
    counts.failures.push(`✗ ${file} did not run\n${broken}`);
  }
  return counts;
}
