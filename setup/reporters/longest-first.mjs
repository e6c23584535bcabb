// Jest starts the largest files first where it has no times of an earlier run, as in a fresh clone; the longest are small.

import sequencer from '@jest/test-sequencer';

const LONGEST = [
  'test/infra/infra.test.ts',
  'test/docs/snippets.test.ts',
  'test/simulation/seeds-0.test.ts',
  'test/simulation/seeds-500.test.ts',
  'test/simulation/seeds-1000.test.ts',
  'test/simulation/seeds-1500.test.ts',
  'test/cli/features-eval.test.ts',
  'test/simulation/load.test.ts',
  'test/lambdas/real-endpoint.test.ts',
];

export default class LongestFirst extends sequencer {
  /** @param {{path: string}[]} tests */
  sort(tests) {
    const place = ({ path }) => {
      const found = LONGEST.findIndex((name) => path.endsWith(name));
      return found < 0 ? LONGEST.length : found;
    };
    return [...super.sort(tests)].sort((a, b) => place(a) - place(b));
  }
}
