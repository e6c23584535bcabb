import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evaluate } from '../../core/expr.ts';
import { canonicalJson, hash53, murmur3 } from '../../core/hash.ts';
import type { CanonicalEvent } from '../../core/ir.ts';
import {
  compareCodePoints,
  comparePicks,
  type Distinct,
  estimateDistinct,
  type PartialKind,
  partialOf,
} from '../../core/partials.ts';

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
  const kinds: readonly PartialKind[] = [
    'count',
    'sum',
    'min',
    'max',
    'first',
    'last',
    'distinct',
    'time_min',
    'time_max',
  ];

  test.each(kinds)('%s', (kind) => {
    const partial = partialOf(kind, 16);
    const fact = fc.record({ id: fc.nat(30), time: fc.nat(5), value: fc.integer({ min: -9, max: 9 }) });
    fc.assert(
      fc.property(
        fc.uniqueArray(fact, { selector: (f) => f.id, minLength: 2, maxLength: 30 }),
        fc.nat(),
        (facts, at) => {
          const cells = facts.map((f) => partial.of(f.value, event(`e${f.id}`, f.time)));
          const fold = (some: readonly unknown[]) => some.reduce((a, b) => partial.merge(a, b));
          const middle = 1 + (at % (cells.length - 1));
          const grouped = partial.merge(fold(cells.slice(middle)), fold(cells.slice(0, middle)));
          expect(grouped).toEqual(fold(cells));
        },
      ),
    );
  });

  test('a sum that leaves the exact range is an error, not a wrong number', () => {
    const sum = partialOf('sum', null);
    const large = sum.of(Number.MAX_SAFE_INTEGER, event('a', 1));
    expect(() => sum.merge(large, sum.of(1, event('b', 1)))).toThrow(/beyond 2\^53/);
  });
});

describe('count_distinct', () => {
  const distinct = partialOf('distinct', 64);
  const cellOf = (n: number, prefix: string) =>
    Array.from({ length: n }, (_, i) => distinct.of(`${prefix}${i}`, event('a', 1))).reduce((a, b) =>
      distinct.merge(a, b),
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
