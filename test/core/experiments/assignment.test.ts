import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Allocation, armOf, HOLD_OUT, rangesOf } from '../../../core/experiments/assignment.ts';
import { fractionOf } from '../../../core/experiments/fraction.ts';
import { growthbookFraction } from '../../../core/experiments/growthbook.ts';

const allocation = (hash: Allocation['hash'], hold_out = 0, champion = 0.5): Allocation => ({
  hash,
  hold_out,
  salts: { enrol: 'x/enrol', variant: 'x/variant' },
  variants: [
    { name: 'champion', weight: champion },
    { name: 'challenger', weight: 1 - champion },
  ],
});
const HASHES = ['sha256', 'growthbook'] as const;
const ids = Array.from({ length: 20_000 }, (_, i) => String(i));
const share = (of: readonly unknown[], value: unknown) => of.filter((one) => one === value).length / of.length;

describe('hashes', () => {
  test.each([
    // hashlib.sha256(salt + b"\0" + id), first 8 bytes >> 11, / 2**53
    ['exp-enrol', '1', 0.9353562025553295],
    ['exp-enrol', '2', 0.08784846223985487],
    ['s', '', 0.1587499876549352],
    ['salt', 'Zürich-é€', 0.43615046815405034],
    ['ab', 'c', 0.42192354125766096],
    ['a', 'bc', 0.2528584295827575],
  ])('sha256 of %j and %j as Python has it', (salt, id, fraction) => {
    expect(fractionOf(salt, id)).toBe(fraction);
  });

  // growthbook-python tests/cases.json, hash version 2 (MIT).
  test.each([
    ['seed', 'a', 0.0505],
    ['seed', 'b', 0.2696],
    ['foo', 'ab', 0.2575],
    ['foo', 'def', 0.2019],
    ['89123klj', '8952klfjas09ujkasdf', 0.124],
    ['90850943850283058242805', '123', 0.7516],
    ['()**(%$##$%#$#', '___)((*":&', 0.0128],
  ])('GrowthBook of %j and %j', (seed, id, fraction) => {
    expect(growthbookFraction(seed, id)).toBe(fraction);
  });

  test('GrowthBook’s ranges with a reduced coverage', () => {
    expect(rangesOf([0.5, 0.5], 0.5)).toEqual([
      [0, 0.25],
      [0.5, 0.75],
    ]);
    expect(rangesOf([0.4, 0.6], 1)).toEqual([
      [0, 0.4],
      [0.4, 1],
    ]);
  });
});

describe.each(HASHES)('assignment by %s', (hash) => {
  test('whoever is assigned stays as the coverage grows', () => {
    const shares = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.string(),
        shares,
        shares,
        shares,
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (id, ...of) => {
          const [one, other, hold_out, champion] = of;
          const [less, more] = [Math.min(one, other), Math.max(one, other)].map((c) => c * (1 - hold_out));
          const before = armOf(allocation(hash, hold_out, champion), less!, id);
          const after = armOf(allocation(hash, hold_out, champion), more!, id);
          if (before !== null) expect(after).toBe(before);
        },
      ),
    );
  });

  test('shares come out as they were asked for', () => {
    const arms = ids.map((id) => armOf(allocation(hash, 0.1, 0.3), 0.5, id));
    const champions = share(arms, 'champion');
    const challengers = share(arms, 'challenger');
    // By GrowthBook the coverage is of those who are not held out.
    const covered = hash === 'sha256' ? 0.5 : 0.5 * 0.9;
    expect(share(arms, HOLD_OUT)).toBeCloseTo(0.1, 1);
    expect(champions + challengers).toBeGreaterThan(covered - 0.02);
    expect(champions + challengers).toBeLessThan(covered + 0.02);
    expect(champions / (champions + challengers)).toBeGreaterThan(0.28);
    expect(champions / (champions + challengers)).toBeLessThan(0.32);
  });

  test('everybody has an arm at full coverage, and nobody without', () => {
    expect(ids.filter((id) => armOf(allocation(hash), 1, id) === null)).toEqual([]);
    expect(ids.filter((id) => armOf(allocation(hash), 0, id) !== null)).toEqual([]);
  });

  test('who is in the hold-out stays there, whatever the coverage', () => {
    const held = (coverage: number) => ids.filter((id) => armOf(allocation(hash, 0.2), coverage, id) === HOLD_OUT);
    expect(held(0.1)).toEqual(held(0.8));
  });
});

test('the variant does not depend on whether somebody takes part', () => {
  const of = allocation('sha256');
  const early = ids.filter((id) => armOf(of, 0.2, id) !== null);
  const late = ids.filter((id) => armOf(of, 0.2, id) === null);
  const champions = (some: readonly string[]) =>
    share(
      some.map((id) => armOf(of, 1, id)),
      'champion',
    );
  expect(Math.abs(champions(early) - champions(late))).toBeLessThan(0.03);
});
