// A reporter of jest that writes each result down when it is there (../results.mjs reads it).
// The file's path is in the environment: TIDEMARK_RESULTS.

import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class ResultsAsTheyCome {
  #path = process.env.TIDEMARK_RESULTS;
  #root;

  constructor({ rootDir }) {
    if (!this.#path) throw new Error('TIDEMARK_RESULTS: found nothing; allowed: the path of a file.');
    this.#root = rootDir;
  }

  onTestFileStart({ path }) {
    this.#write({ file: relative(this.#root, path), started: true });
  }

  onTestCaseResult({ path }, result) {
    this.#write({ file: relative(this.#root, path), test: testOf(result) });
  }

  /** What a file ended with replaces what its tests said one by one: a failed hook changes the outcome of many. */
  onTestFileResult({ path }, { testResults, testExecError, failureMessage, perfStats }) {
    const tests = testResults.map(testOf);
    const failed = tests.some(({ outcome }) => outcome === 'failed');
    const broken = failureMessage && (testExecError || !failed) ? failureMessage : undefined;
    const ms = perfStats?.runtime ?? 0;
    this.#write({ file: relative(this.#root, path), tests, ms, ...(broken ? { broken } : {}) });
  }

  #write(record) {
    appendFileSync(this.#path, `${JSON.stringify(record)}\n`);
  }
}

function testOf({ fullName, status, failureMessages, duration }) {
  const outcome = ['passed', 'failed', 'todo'].includes(status) ? status : 'skipped';
  const took = duration == null ? {} : { ms: duration };
  const message = outcome === 'failed' ? { message: (failureMessages ?? []).join('\n') } : {};
  return { name: fullName, outcome, ...took, ...message };
}
