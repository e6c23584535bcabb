/** The simulation finds the bugs that it is there for. */
import { describe, expect, test } from '@jest/globals';
import { PLANTED } from './planted-bugs.ts';
import { simulate } from './simulate.ts';

const SEEDS = 60;

describe('planted bugs', () => {
  test.each(Object.keys(PLANTED))('%s', async (bug) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { violations } = await simulate(seed, PLANTED[bug]);
      if (violations.length === 0) continue;
      // The simulation itself did not break: it found what the bug did.
      expect(violations.join('\n')).not.toMatch('the simulation itself failed');
      expect((await simulate(seed)).violations).toEqual([]);
      return;
    }
    throw new Error(`found in none of ${SEEDS} seeds; allowed: in one at least`);
  });

  test('without a bug nothing is found in the same seeds', async () => {
    for (let seed = 0; seed < SEEDS; seed++) expect([seed, (await simulate(seed)).violations]).toEqual([seed, []]);
  });
});
