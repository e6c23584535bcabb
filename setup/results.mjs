// What the reporters of jest and pytest wrote, also when their process was ended in between.

import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Counts
 * @property {number} passed tests
 * @property {number} failed tests, and files that could not run
 * @property {string[]} failures what each of them said
 * @property {string[]} warnings tests to be done (jest's `todo`) or left out (pytest's `skip`, with its reason): they fail nothing
 * @property {string[]} unfinished files (jest) or tests (pytest) that were started and did not end
 * @property {Map<string, number>} took ms by test file
 */

/**
 * A line is one of `{file, started}`, `{file, test}` (one ended, its file goes on) and `{file, tests, ms?, broken?}` (the
 * file ended; replaces its lines before). A last line that was cut off is left out. Skipped tests count as neither.
 * @param {string} path @returns {Counts | undefined} undefined: nothing was written
 */
export function readResults(path) {
  if (!existsSync(path)) return undefined;
  /** @type {Map<string, {tests: object[], ended: boolean, broken?: string, ms?: number}>} */
  const files = new Map();
  for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    const { file, started, test, tests, broken, ms = 0 } = JSON.parse(line);
    if (started) files.set(file, { tests: [], ended: false });
    else if (test) files.get(file)?.tests.push(test);
    else files.set(file, { tests, ended: true, broken, ms });
  }
  const counts = { passed: 0, failed: 0, failures: [], warnings: [], unfinished: [], took: new Map() };
  for (const [file, { tests, ended, broken, ms = 0 }] of files) {
    const [path] = file.split('::');
    counts.took.set(path, (counts.took.get(path) ?? 0) + ms);
    if (!ended) counts.unfinished.push(file);
    for (const { name, outcome, message } of tests) {
      if (outcome === 'passed') counts.passed += 1;
      if (outcome === 'todo') counts.warnings.push(`! ${name}`);
      if (outcome === 'skipped' && message) counts.warnings.push(`! ${name}: ${message}`);
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

/**
 * @param {string} path @param {number} from bytes that were read before
 * @returns {{lines: string[], to: number}} one line per test that ended since, and how far that was
 */
export function endedSince(path, from) {
  if (!existsSync(path)) return { lines: [], to: from };
  const whole = readFileSync(path);
  const to = whole.lastIndexOf(10) + 1;
  const records = whole.subarray(from, Math.max(from, to)).toString('utf8').split('\n').filter(Boolean);
  const tests = records.flatMap((line) => {
    const { file, test, tests = [], ms } = JSON.parse(line);
    // Jest says its tests one by one before their file ends, pytest has one record a test.
    if (test) return [test];
    return file.includes('::') ? tests.map((one) => ({ ...one, ms })) : [];
  });
  return { lines: tests.map(said), to: Math.max(from, to) };
}

const MARKS = { passed: '✓', failed: '✗', todo: '!', skipped: '-' };

function said({ name, outcome, ms }) {
  return `  ${MARKS[outcome]} ${name}${ms === undefined ? '' : ` (${Math.round(ms)} ms)`}`;
}
