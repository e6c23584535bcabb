// Reads the machine-readable reports of jest and pytest.

import { readFileSync } from 'node:fs';

/**
 * Counts of jest's `--json` report. A test file that could not run at all counts as one failure.
 * @param {string} file @returns {import('./tests.mjs').Counts}
 */
export function readJest(file) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const failures = [];
  for (const suite of report.testResults) {
    const failed = suite.assertionResults.filter((result) => result.status === 'failed');
    for (const result of failed)
      failures.push(`✗ ${suite.name} › ${result.fullName}\n${result.failureMessages.join('\n')}`);
    if (suite.status === 'failed' && failed.length === 0)
      failures.push(`✗ ${suite.name} did not run\n${suite.message}`);
  }
  return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites, failures };
}

/**
 * Counts of pytest's JUnit report: errors in set-up or collection are failures, skipped tests are neither.
 * @param {string} file @returns {import('./tests.mjs').Counts}
 */
export function readPytest(file) {
  const xml = readFileSync(file, 'utf8');
  const counts = { passed: 0, failed: 0, failures: [] };
  for (const [, head = '', body = ''] of xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)) {
    const problem = body.match(/<(failure|error)\b[^>]*?(?:\/>|>(.*?)<\/\1>)/s);
    if (problem) {
      counts.failed += 1;
      counts.failures.push(
        `✗ ${attribute(head, 'classname')}.${attribute(head, 'name')}\n${unescapeXml(problem[2] ?? '')}`,
      );
    } else if (!/<skipped\b/.test(body)) counts.passed += 1;
  }
  return counts;
}

function attribute(head, name) {
  return unescapeXml(head.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1] ?? '');
}

function unescapeXml(text) {
  const names = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(lt|gt|quot|apos|amp));/gi, (_, dec, hex, name) =>
    name ? names[name] : String.fromCodePoint(dec ? Number(dec) : Number.parseInt(hex, 16)),
  );
}
