/** The stream side as a whole, under everything that Kinesis, Lambda and DynamoDB may do to it. */
import { describe, expect, test } from '@jest/globals';
import { FAULT_KINDS } from './profile.ts';
import { simulate } from './simulate.ts';
import { failureOf, Total } from './total.ts';

const SEEDS = 2000;

describe('Kinesis → processor → DynamoDB → scorer → outbox → topic → Slack', () => {
  test(`${SEEDS} seeds: nothing lost, nothing counted twice, in any order; time never goes back; the lag ends`, async () => {
    const total = new Total();
    for (let seed = 0; seed < SEEDS; seed++) {
      const outcome = await simulate(seed);
      if (outcome.violations.length > 0) throw new Error(failureOf(outcome));
      total.add(outcome);
    }
    // Whatever may go wrong did, more than once.
    expect(FAULT_KINDS.filter((kind) => total.faults[kind] < 10)).toEqual([]);
    // Most values are compared, not left out as marked.
    expect(total.values).toBeGreaterThan(100 * SEEDS);
    expect(total.marked).toBeLessThan(total.values / 4);
  }, 600_000);

  test('a seed always comes to the same end', async () => {
    const digests = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const [one, other] = [await simulate(seed), await simulate(seed)];
      expect(other).toEqual(one);
      digests.add(one.digest);
    }
    expect(digests.size).toBe(20);
  });
});
