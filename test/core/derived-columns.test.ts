/** Columns computed from others: what may be declared, what may be aggregated, and what a change of them breaks. */
import { describe, expect, test } from '@jest/globals';
import { columnOf } from '../../core/definition/column.ts';
import { contractBreaks } from '../../core/definition/compatibility.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import {
  contract,
  countDistinct,
  type DerivedColumnSpec,
  expr,
  type Feature,
  field,
  first,
  histogram,
  last,
  lastK,
  max,
  mean,
  min,
  sum,
  variance,
} from '../../core/definition/define.ts';
import { checkView } from '../../core/definition/validate-view.ts';
import { DefinitionError } from '../../core/ir/errors.ts';
import { useCaseOf } from './use-case-of.ts';

const fields = {
  quantity: field.int({ min: 0, max: 100 }),
  unit_price: field.decimal(2, { min: 0, max: 10_000 }),
  product: field.string(),
  kind: field.enum(['a', 'b']),
  paid: field.bool(),
  due: field.timestamp('epoch_s'),
};
const { quantity, unit_price, product, kind, paid, due } = contract('line', 1, { fields });
const total = expr.mul(quantity, unit_price);
const lineWith = (column: DerivedColumnSpec) => contract('line', 1, { fields, derived: () => ({ total: column }) });
const irWith = (column: DerivedColumnSpec) => contractIR(lineWith(column));
const define = (column: DerivedColumnSpec, make: (of: Total) => Feature) => {
  const line = lineWith(column);
  return useCaseOf([line], { some: make(line.total) });
};
type Total = ReturnType<typeof lineWith>['total'];
const over = { window: '7d' } as const;

describe('what sums a derived column needs its bounds', () => {
  test.each([
    ['sum', sum, 2 ** 33],
    ['mean', mean, 2 ** 33],
    ['variance', variance, 2 ** 31],
  ] as const)('%s', (_, aggregate, bound) => {
    const some = (of: Total) => aggregate({ of, ...over });
    expect(() => define({ expr: total, min: -bound, max: bound }, some)).not.toThrow();
    for (const bounds of [{}, { min: 0 }, { max: 0 }, { min: 0, max: bound + 1 }, { min: -bound - 1, max: 0 }]) {
      expect(() => define({ expr: total, ...bounds }, some)).toThrow(DefinitionError);
      expect(() => define({ expr: total, ...bounds }, some)).toThrow(
        /some\.of: found total without min and max within ±2\^3\d/,
      );
    }
    expect(() => define(total, some)).toThrow(/found total without min and max/);
  });

  test.each([
    ['min', (of: Total) => min({ of, ...over })],
    ['max', (of: Total) => max({ of, ...over })],
    ['first', (of: Total) => first({ of, ...over })],
    ['last', (of: Total) => last({ of, ...over })],
    ['last_k', (of: Total) => lastK({ of, ...over, k: 2 })],
    ['count_distinct', (of: Total) => countDistinct({ of, ...over, cap: 16 })],
  ])('%s does not', (_, make) => {
    const [view] = define(total, make).views;
    checkView(view!, [irWith(total)]);
    expect(view!.features[0]).toMatchObject({ value_type: expect.stringMatching(/^ints?$/) });
  });

  test('a histogram counts texts, of which a derived column is none', () => {
    expect(() => define(total, (of) => histogram({ of: of as never, ...over, k: 2, cap: 16 }))).toThrow(
      /found derived field for histogram/,
    );
  });
});

describe('refused when it is declared', () => {
  test.each<[string, DerivedColumnSpec, RegExp]>([
    [
      'of an unknown field',
      expr.add(columnOf('line', 'nope', null) as typeof quantity, 1),
      /derived\.total: found unknown field nope; allowed: quantity, /,
    ],
    ['of free text', expr.add(product as never, 1), /derived\.total: found string field product; allowed: numbers and/],
    ['of an enum', expr.eq(kind as never, 1), /derived\.total: found enum field kind/],
    [
      'with bounds that nothing meets',
      { expr: total, min: 2, max: 1 },
      /derived\.total\.min: found a number above max/,
    ],
    ['with a bound that is no integer', { expr: total, min: 0.5 }, /contracts\.0\.derived\.0\.min|derived\.total\.min/],
  ])('%s', (_, column, message) => {
    expect(() => define(column, (of) => last({ of, ...over }))).toThrow(message);
  });

  test('but numbers, times and booleans are', () => {
    const column = expr.mul(paid, expr.add(due, expr.mul(quantity, unit_price)));
    expect(() => define(column, (of) => last({ of, ...over }))).not.toThrow();
  });
});

test('bounds decide a value, so they are part of the definition hash; without them it stays as it was', () => {
  const hash = (column: DerivedColumnSpec) => define(column, (of) => last({ of, ...over })).views[0]!.definition_hash;
  expect(hash({ expr: total })).toBe(hash(total));
  expect(hash({ expr: total, max: 9 })).not.toBe(hash(total));
});

describe('of a released contract', () => {
  const breaks = (before: DerivedColumnSpec, now: DerivedColumnSpec) =>
    contractBreaks([irWith(before)], [irWith(now)]).map(({ field: at, found, allowed }) => [at, found, allowed]);
  const bounded = { expr: total, min: 0, max: 10 };

  test('narrower bounds refuse what was admitted', () => {
    expect(breaks(bounded, { ...bounded, max: 9 })).toEqual([
      ['contracts.line@1.total.max', '9', '10 or more; or schema version 2'],
    ]);
    expect(breaks(total, bounded).map(([at]) => at)).toEqual([
      'contracts.line@1.total.min',
      'contracts.line@1.total.max',
    ]);
  });

  test('wider ones, and none, break nobody', () => {
    expect(breaks(bounded, { ...bounded, min: -1, max: 11 })).toEqual([]);
    expect(breaks(bounded, total)).toEqual([]);
  });

  test('a new column with bounds refuses what was admitted without it', () => {
    const bare = contractIR(contract('line', 1, { fields: {} }));
    const now = (column: DerivedColumnSpec) =>
      contractBreaks([bare], [contractIR(contract('line', 1, { fields: {}, derived: () => ({ one: column }) }))]);
    expect(now(expr.add(1, 0))).toEqual([]);
    expect(now({ expr: expr.add(1, 0), max: 1 })).toMatchObject([
      { field: 'contracts.line@1.one', found: 'a new derived column with bounds' },
    ]);
  });

  test.each<[string, DerivedColumnSpec, boolean]>([
    ['a product', total, true],
    ['a comparison of fractions', expr.gt(expr.div(unit_price, quantity), 0.5), true],
    ['a quotient', expr.div(unit_price, quantity), false],
    ['a part', expr.mul(unit_price, 0.2), false],
    ['what may be a quotient', expr.coalesce(quantity, expr.div(unit_price, 2)), false],
  ])('a new column that is no whole number refuses what was admitted without it: %s', (_, column, taken) => {
    const ir = irWith(column);
    expect(contractBreaks([{ ...ir, derived: [] }], [ir])).toMatchObject(
      taken ? [] : [{ field: 'contracts.line@1.total', allowed: 'one of whole numbers; or schema version 2' }],
    );
  });
});
