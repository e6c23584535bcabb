import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { INEXACT } from '../../core/aggregates/aggregation.ts';
import { type Distinct, estimateDistinct } from '../../core/aggregates/count-distinct.ts';
import { comparePicks } from '../../core/aggregates/picks.ts';
import { AGGREGATION_OPS, type AggregationOp, aggregationOf } from '../../core/aggregates/table.ts';
import { type Moments, VARIANCE } from '../../core/aggregates/variance.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import { evaluate } from '../../core/values/expr.ts';
import { canonicalJson, hash53, idHash, murmur3 } from '../../core/values/hash.ts';
import { ratio } from '../../core/values/ratio.ts';
import { compareCodePoints } from '../../core/values/text.ts';

const partialOf = (op: AggregationOp, cap: number | null, k: number | null) =>
  aggregationOf(op).partial.make({ cap, k, error: 0.1, value_type: 'int' });

const event = (id: string, event_time: number): CanonicalEvent => ({
  event_id: id,
  entity_id: 'x',
  event_type: 'buy',
  event_time,
  source_time: null,
  source: '',
  schema_version: 1,
  properties: {},
  available_at: event_time,
  shard_id: 's',
  sequence_number: '1',
});

describe('murmur3 against published vectors', () => {
  // SMHasher's verification of MurmurHash3_x86_32 and the vectors of its reference ports.
  test.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['Hello, world!', 0, 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('%p with seed %d', (text, seed, expected) => {
    expect(murmur3(new TextEncoder().encode(text), seed)).toBe(expected);
  });
});

describe('partials merge: associative, commutative, the same in any grouping', () => {
  test.each(AGGREGATION_OPS)('%s', (op) => {
    const partial = partialOf(op, 16, 3);
    const fact = fc.record({ id: fc.nat(30), time: fc.nat(5), value: fc.integer({ min: -9, max: 9 }) });
    fc.assert(
      fc.property(
        fc.uniqueArray(fact, { selector: (f) => f.id, minLength: 2, maxLength: 30 }),
        fc.nat(),
        (facts, at) => {
          const cells = facts.map((f) => partial.add(null, f.value, event(`e${f.id}`, f.time)));
          const fold = (some: readonly unknown[]) => some.reduce((a, b) => partial.merge(a, b));
          const middle = 1 + (at % (cells.length - 1));
          const grouped = partial.merge(fold(cells.slice(middle)), fold(cells.slice(0, middle)));
          expect(grouped).toEqual(fold(cells));
          const added = facts.reduce<unknown>((cell, f) => partial.add(cell, f.value, event(`e${f.id}`, f.time)), null);
          expect(added).toEqual(fold(cells));
        },
      ),
    );
  });

  test('a sum that leaves the exact range is an error, not a wrong number', () => {
    const sum = partialOf('sum', null, null);
    const large = sum.add(null, Number.MAX_SAFE_INTEGER, event('a', 1));
    expect(() => sum.add(large, 1, event('b', 1))).toThrow(/beyond 2\^53/);
    expect(() => sum.merge(large, sum.add(null, 1, event('b', 1)))).toThrow(/beyond 2\^53/);
  });

  test.each(AGGREGATION_OPS)(
    '%s: what is taken out again was never there, or the cell says that it cannot tell',
    (op) => {
      const partial = partialOf(op, 4, 3);
      const fact = fc.record({ id: fc.nat(30), time: fc.nat(5), value: fc.integer({ min: -3, max: 3 }) });
      const outcomes = new Set<boolean>();
      fc.assert(
        fc.property(fc.uniqueArray(fact, { selector: (f) => f.id, minLength: 1, maxLength: 8 }), (facts) => {
          const cellOf = (some: typeof facts) =>
            some.reduce<unknown>((cell, f) => partial.add(cell, f.value, event(`e${f.id}`, f.time)), null);
          const gone = facts[0]!;
          const removed = { event_time: gone.time, hash: idHash(`e${gone.id}`) };
          const without = partial.remove(cellOf(facts), gone.value, removed);
          outcomes.add(without === INEXACT);
          if (without !== INEXACT) expect(without).toEqual(cellOf(facts.slice(1)));
        }),
      );
      if (['count', 'sum', 'mean', 'variance'].includes(op)) expect(outcomes).toEqual(new Set([false]));
      if (op !== 'count_distinct') expect(outcomes).toContain(false);
    },
  );
});

describe('variance', () => {
  const partial = partialOf('variance', null, null);
  const variance = (values: readonly number[]) =>
    VARIANCE.finalise(
      values.reduce<unknown>((cell, v) => partial.add(cell, v, event('e', 1)), null) as Moments,
      { cap: null, k: null, value_type: 'float' },
      0,
    );

  test('of the population, by hand', () => {
    expect(variance([2, 4, 4, 4, 5, 5, 7, 9])).toBe(4);
    expect(variance([5])).toBe(0);
    expect(variance([-1, 1])).toBe(1);
  });

  test('is exact where squares leave 2^53: one correctly rounded division', () => {
    const edge = 2 ** 31;
    expect(variance([-edge, edge])).toBe(2 ** 62);
    expect(variance([edge, edge - 1, edge - 2])).toBe(2 / 3);
    const naive = [edge, edge - 1, edge - 2].reduce((s, v) => s + v * v, 0) / 3 - (edge - 1) ** 2;
    expect(naive).not.toBe(2 / 3);
  });
});

test('a ratio of big integers is the nearest binary64, ties to even', () => {
  // Values of Python's int / int.
  expect(ratio(10n ** 30n, 3n)).toBe(3.333333333333333e29);
  expect(ratio(2n ** 53n + 1n, 1n)).toBe(9007199254740992);
  expect(ratio(2n ** 53n + 3n, 1n)).toBe(9007199254740996);
  expect(ratio(-(10n ** 25n), 7n * 10n ** 24n)).toBe(-1.4285714285714286);
  expect(ratio(2n ** 120n + 1n, 2n ** 67n)).toBe(9007199254740992);
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 1 }), fc.integer({ min: 1, max: 90 }), (a, b, shift) => {
      const scale = 1n << BigInt(shift);
      expect(ratio(BigInt(a) * scale, BigInt(b) * scale)).toBe(a / b);
    }),
  );
});

describe('count_distinct', () => {
  const distinct = partialOf('count_distinct', 64, null);
  const cellOf = (n: number, prefix: string) =>
    Array.from({ length: n }, (_, i) => `${prefix}${i}`).reduce<unknown>(
      (cell, value) => distinct.add(cell, value, event('a', 1)),
      null,
    );

  test('is exact up to the cap, whatever the order', () => {
    for (const n of [1, 63, 64]) expect(estimateDistinct(cellOf(n, 'v') as Distinct)).toBe(n);
  });

  test('is an estimate within 4 standard errors above it', () => {
    for (const [n, prefix] of [
      [1000, 'a'],
      [1000, 'b'],
      [20_000, 'c'],
    ] as const) {
      const estimate = estimateDistinct(cellOf(n, prefix) as Distinct);
      expect(estimate).not.toBe(64);
      expect(Math.abs(estimate - n) / n).toBeLessThan(4 / Math.sqrt(64));
    }
  });

  test('distinct strings have distinct hashes here', () => {
    expect(new Set(Array.from({ length: 100_000 }, (_, i) => hash53(`value-${i}`))).size).toBe(100_000);
  });
});

test('ties of first and last go by event_time, then arrival, then id', () => {
  const pick = (event_id: string, event_time: number, available_at: number) => ({
    event_id,
    event_time,
    available_at,
    value: 1,
  });
  expect(comparePicks(pick('z', 1, 9), pick('a', 2, 3))).toBeLessThan(0);
  expect(comparePicks(pick('z', 1, 2), pick('a', 1, 3))).toBeLessThan(0);
  expect(comparePicks(pick('a', 1, 2), pick('b', 1, 2))).toBeLessThan(0);
});

test('ids compare by code point, as UTF-8 bytes do', () => {
  const ids = fc.string({ unit: 'grapheme', maxLength: 5 });
  fc.assert(
    fc.property(ids, ids, (a, b) => {
      expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
  expect(compareCodePoints('\u{1F600}', '\uFFFD')).toBeGreaterThan(0);
});

test('canonical JSON does not depend on the order of keys', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, A: 0.5 })).toBe(
    '{"A":0.5,"b":[1,{"c":"x","d":null}]}',
  );
});

describe('expressions', () => {
  const ref = (name: string) => ({ op: 'ref', name }) as const;
  const of = (
    op: 'add' | 'div' | 'mul' | 'coalesce' | 'gt',
    values: Record<string, number | string | boolean | null>,
  ) => evaluate({ op, left: ref('a'), right: ref('b') }, (name) => values[name] ?? null);

  test('null in, null out, except coalesce', () => {
    expect(of('add', { a: 1, b: null })).toBeNull();
    expect(of('coalesce', { a: null, b: 2 })).toBe(2);
    expect(of('coalesce', { a: null, b: null })).toBeNull();
  });
  test('a division by zero and an overflow are null', () => {
    expect(of('div', { a: 1, b: 0 })).toBeNull();
    expect(of('mul', { a: 1e300, b: 1e300 })).toBeNull();
  });
  test('no -0, true is 1, text is null', () => {
    expect(Object.is(of('mul', { a: 0, b: -1 }), 0)).toBe(true);
    expect(of('gt', { a: true, b: 0 })).toBe(1);
    expect(of('add', { a: 'x', b: 1 })).toBeNull();
  });
});
