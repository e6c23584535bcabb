/** Maps on the cases that Spark has to pass, too. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { ContractIR } from '../../../core/ir/document.ts';
import { mapRuleSchema } from '../../../core/ir/source-schema.ts';
import { type MapCase, mapped, randomCases } from '../../conformance/intake/cases.ts';

interface Cases {
  readonly contracts: readonly ContractIR[];
  readonly cases: readonly MapCase[];
}

const read = (name: string) => JSON.parse(readFileSync(`test/conformance/intake/${name}.json`, 'utf8')) as Cases;
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('maps', () => {
  const { contracts, cases } = read('maps');

  test.each(cases.map((one) => [one.rule, one] as const))('%s', (_, one) => {
    z.array(mapRuleSchema).parse(one.source.map);
    expect(asJson(mapped(one, contracts))).toEqual(one.expect);
  });

  test('each case says something of its own', () => {
    expect(cases.length).toBeGreaterThanOrEqual(150);
    expect(new Set(cases.map(({ rule }) => rule)).size).toBe(cases.length);
  });
});

describe('random maps', () => {
  const { contracts, cases } = read('random');

  test('the committed cases are what this code computes', () => {
    expect(randomCases(contracts)).toEqual(cases);
  });

  test('they end in every way', () => {
    const ends = cases.map(({ expect: end }) => (end === null ? 'none' : 'event' in end ? 'event' : end.reason));
    const all = [
      'none',
      'event',
      'INVALID_FIELD',
      'INVALID_EVENT_TIME',
      'MISSING_ENTITY',
      'MISSING_FIELD',
      'NOT_IN_ENUM',
    ];
    expect([...new Set(ends)]).toEqual(expect.arrayContaining(all));
    expect(ends.filter((end) => end === 'event').length).toBeGreaterThan(40);
  });
});
