// Jest starts the largest files first where it has no times of an earlier run, as in a fresh clone; the longest are small.

import sequencer from '@jest/test-sequencer';

const LONGEST = [
  'test/simulation/simulation.test.ts',
  'test/lambdas/real-endpoint.test.ts',
  'test/infra/infra.test.ts',
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
