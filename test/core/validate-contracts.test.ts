/** What may differ between the versions of an event type; the same cases hold Spark (test/python/spark/test_ir.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { columnOf } from '../../core/definition/column.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import {
  contract,
  countDistinct,
  type FieldSpec,
  field,
  first,
  histogram,
  last,
  lastK,
  max,
} from '../../core/definition/define.ts';
import { checkContracts, checkEnumValues } from '../../core/definition/validate-contracts.ts';
import type { AggregateFeatureIR, ContractIR } from '../../core/ir/document.ts';
import { useCaseOf } from './use-case-of.ts';

interface VersionsCase {
  readonly rule: string;
  readonly contracts: readonly ContractIR[];
  readonly feature?: AggregateFeatureIR;
  readonly refused: string | null;
}

describe('versions of an event type', () => {
  const cases = JSON.parse(readFileSync('test/conformance/versions.json', 'utf8')) as VersionsCase[];

  test.each(cases.map((one) => [one.rule, one] as const))('%s', (_, { contracts, feature, refused }) => {
    const check = () => {
      checkContracts(contracts);
      if (feature) checkEnumValues(feature, contracts, `views.v.features.${feature.name}`);
    };
    if (refused === null) expect(check).not.toThrow();
    else expect(check).toThrow(`${refused}: found `);
  });
});

describe('a feature of a version that lacks its field, which another version has', () => {
  const [older, newer] = [
    { n: field.int() },
    { n: field.int(), s: field.string(), e: field.enum(['x']), b: field.bool(), t: field.timestamp('epoch_ms') },
  ];
  const contracts = [contract('buy', 1, { fields: older }), contract('buy', 2, { fields: newer })];
  // Of the older version: as a document of another compiler may say it.
  const over = (name: string) => ({ of: columnOf('buy', name, null) as never, window: '7d' });

  test.each([
    ['first', first(over('s'))],
    ['last', last(over('e'))],
    ['last', last(over('b'))],
    ['last_k', lastK({ ...over('s'), k: 2 })],
  ])('is refused where the kind of its value would be another: %s', (_, some) => {
    expect(() => useCaseOf(contracts, { some })).toThrow(
      /^features\.some\.of: found a version without [seb]; allowed: /,
    );
  });

  test.each([
    ['last', last(over('t'))],
    ['max', max(over('t'))],
    ['count_distinct', countDistinct({ ...over('s'), cap: 16 })],
    ['histogram', histogram({ ...over('s'), cap: 16, k: 2 })],
  ])('and taken where it is the same: %s', (_, some) => {
    expect(() => useCaseOf(contracts, { some })).not.toThrow();
  });
});

describe('a default', () => {
  const declared = (spec: FieldSpec) => contractIR(contract('buy', 1, { fields: { f: spec } }));

  test.each([
    ['an enum', field.enum(['a'], { default: 'b' }), 'a'],
    ['an int above its range', field.int({ max: 3, default: 4 }), 'a whole number from -9007199254740991 to 3'],
    ['an int with a fraction', field.int({ default: 1.5 }), 'a whole number'],
    ['an int as text', field.int({ default: '1' }), 'a whole number'],
    ['a decimal in its unit', field.decimal(2, { default: 0.5 }), 'units of 10^-2'],
    ['a bool', field.bool({ default: 0 }), 'true or false'],
    ['a string that is too long', field.string({ maxLength: 2, default: 'abc' }), 'up to 2 characters'],
    ['a string that is none', field.string({ default: '\ud83d' }), 'up to 256 characters'],
    ['a time before 1970', field.timestamp('iso8601', { default: -1 }), 'ms since 1970'],
  ])('that no event could send is refused: %s', (_, spec, allowed) => {
    expect(() => checkContracts([declared(spec)])).toThrow(/^contracts\.buy@1\.f\.default: found /);
    expect(() => checkContracts([declared(spec)])).toThrow(allowed);
  });

  test('of the type, or null, is fine', () => {
    const fields = {
      a: field.enum(['x'], { default: 'x' }),
      b: field.int({ min: 1, default: 1 }),
      c: field.bool({ default: null }),
    };
    expect(() => checkContracts([contractIR(contract('buy', 1, { fields }))])).not.toThrow();
  });
});

test.each(['constructor', 'prototype'])('no field is called %s, as no record may hold that key', (name) => {
  expect(() => checkContracts([contractIR(contract('buy', 1, { fields: { [name]: field.int() } }))])).toThrow(
    `contracts.buy@1.${name}: found `,
  );
  expect(() => checkContracts([contractIR(contract('buy', 1, { fields: { n: field.int({ from: name }) } }))])).toThrow(
    name,
  );
});
