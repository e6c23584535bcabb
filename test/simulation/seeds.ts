/** 2,000 seeds in four files of tests, so that workers share them; `npm run simulate` runs as many as are asked for. */
import { describe, expect, test } from '@jest/globals';
import { FAULT_KINDS } from './profile.ts';
import { simulate } from './simulate.ts';
import { failureOf, Total } from './total.ts';

const SEEDS = 500;
const PART = 100;

/** @param first of 500 seeds */
export function testSeeds(first: number): void {
  describe('Kinesis → processor → DynamoDB → scorer → outbox → topic → Slack', () => {
    const total = new Total();

    // In parts, so that each that ends is a sign of life.
    test.each(Array.from({ length: SEEDS / PART }, (_, i) => first + i * PART))(
      `${PART} seeds from %i: nothing lost, nothing counted twice, in any order; time never goes back; the lag ends`,
      async (from) => {
        for (let seed = from; seed < from + PART; seed++) {
          const outcome = await simulate(seed);
          if (outcome.violations.length > 0) throw new Error(failureOf(outcome));
          total.add(outcome);
        }
      },
    );

    test('whatever may go wrong did, more than once', () => {
      expect(FAULT_KINDS.filter((kind) => total.faults[kind] < 3)).toEqual([]);
      // Most values are compared, not left out as inexact.
      expect(total.values).toBeGreaterThan(100 * SEEDS);
      expect(total.inexact).toBeLessThan(total.values / 4);
    });
  });
}
