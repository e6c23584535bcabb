import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { difference, wilson } from '../../core/scores/two-shares.ts';

test.each([
  // Newcombe 1998, table II, method 10.
  [56, 70, 48, 80, 0.0524, 0.3339],
  [9, 10, 3, 10, 0.1705, 0.809],
  [5, 56, 0, 29, -0.0381, 0.1926],
  [0, 10, 0, 20, -0.1611, 0.2775],
  [10, 10, 0, 10, 0.6075, 1],
])('%i/%i − %i/%i is between %f and %f', (a, m, b, n, low, high) => {
  const found = difference({ hits: a, of: m }, { hits: b, of: n })!;
  expect([found.low, found.high]).toEqual([expect.closeTo(low, 4), expect.closeTo(high, 4)]);
  expect(found.by).toBeCloseTo(a / m - b / n, 12);
});

test("Wilson's interval of a share", () => {
  // 81 of 263 (Newcombe, Statistics in Medicine 1998, 17:857): 0.2553 to 0.3662.
  const found = wilson({ hits: 81, of: 263 });
  expect([found.low, found.high]).toEqual([expect.closeTo(0.2553, 4), expect.closeTo(0.3662, 4)]);
});

test('an empty group has no difference; each interval holds its estimate and stays within −1 and 1', () => {
  expect(difference({ hits: 0, of: 0 }, { hits: 1, of: 2 })).toBeNull();
  const share = fc
    .integer({ min: 1, max: 500 })
    .chain((of) => fc.record({ of: fc.constant(of), hits: fc.integer({ min: 0, max: of }) }));
  fc.assert(
    fc.property(share, share, (a, b) => {
      const { by, low, high } = difference(a, b)!;
      expect(low <= by + 1e-12 && by <= high + 1e-12).toBe(true);
      expect(low >= -1 - 1e-12 && high <= 1 + 1e-12).toBe(true);
    }),
  );
});
