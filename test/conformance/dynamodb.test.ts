import { describe, expect, test } from '@jest/globals';
import { asKnown, compare, knownDifferences, type SuiteReport } from './dynamodb-suite.ts';

const known = { repository: 'r', commit: 'c', differences: [{ test: 'a differs', reason: 'wording' }] };
const ran = (results: Readonly<Record<string, string>>): SuiteReport => ({
  testResults: [
    { assertionResults: Object.entries(results).map(([fullName, status]) => ({ fullName, status })) },
    { assertionResults: [] },
  ],
});

describe('the public DynamoDB suite', () => {
  test.each([
    ['what is listed fails and nothing else', { 'a differs': 'failed', b: 'passed' }, true],
    ['something else fails', { 'a differs': 'failed', b: 'failed', c: 'passed' }, false],
    ['what is listed passes', { 'a differs': 'passed', b: 'passed' }, false],
    ['a listed test is gone', { b: 'passed' }, false],
    ['nothing ran', {}, false],
  ])('is as known when %s: %j', (_, results, as) => {
    expect(asKnown(compare(ran(results), known))).toBe(as);
  });

  test('has a reason for each difference, in order', () => {
    const { differences } = knownDifferences();
    expect(differences.every(({ reason }) => reason.length > 0)).toBe(true);
    const names = differences.map(({ test: name }) => name);
    expect(names).toEqual([...new Set(names)].sort());
  });
});
