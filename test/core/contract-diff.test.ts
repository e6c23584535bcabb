/** What a change means to producers and readers: no change goes without a word, and none that breaks without a mark. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contractBreaks } from '../../core/definition/compatibility.ts';
import { useCaseDiff } from '../../core/definition/contract-diff.ts';
import {
  type Contract,
  contract,
  count,
  defineUseCase,
  expr,
  type FieldSpec,
  field,
  sum,
} from '../../core/definition/define.ts';
import { canonicalJson } from '../../core/values/hash.ts';

const FIELDS = {
  amount: field.decimal(2, { min: 0, max: 10_000 }),
  shop: field.enum(['a', 'b'], { required: false }),
  note: field.string({ required: false, maxLength: 64 }),
};
type Fields = Record<string, FieldSpec>;
/** Members of a contract beside its fields. */
type More = Partial<Record<'eventTime' | 'maxFuture' | 'minEventTime' | 'timeZone' | 'derived', unknown>>;

function useCase(fields: Fields = FIELDS, more: More = {}, others: readonly Contract[] = []) {
  const buy = contract('buy', 1, { ...(more as object), fields: { ...FIELDS, ...fields } });
  const look = contract('look', 1, { fields: {} });
  const features = { buys: count({ of: buy, window: '7d' }), spent: sum({ of: buy.amount, window: '7d' }) };
  return defineUseCase({
    ...{ name: 'shop', entity: 'customer', contracts: [buy, look, ...others] },
    views: { buying: { entity: 'customer', features } },
  });
}
const before = useCase();

describe('a change that breaks nobody', () => {
  const { amount, shop, note } = FIELDS;
  test.each<readonly [string, Fields, string, RegExp]>([
    ['a new field', { till: field.int({ required: false }) }, 'till: a new optional int', /Old events have null in it/],
    ['one with a default', { till: field.int({ default: 1 }) }, 'till: a new optional int', /its default in it/],
    ['a grown enum', { shop: field.enum(['a', 'b', 'c'], { required: false }) }, 'shop.values: also c', /model/],
    ['a longer text', { note: { ...note, max_length: 65 } as FieldSpec }, 'note.maxLength: 65, was 64', /longer/],
    ['a wider range', { amount: field.decimal(2, { min: -1, max: 10_000 }) }, 'amount: a wider range', /Sums/],
    ['no upper bound', { shop, amount: field.decimal(2, { min: 0, max: 1_000_000 }) }, 'amount: a wider range', /Sums/],
    [
      'an optional one',
      { amount: { ...amount, required: false } as FieldSpec },
      'amount: a field made optional',
      /null/,
    ],
  ])('%s', (_, fields, change, readers) => {
    const { changes, views, compatible } = useCaseDiff(before, useCase(fields));
    expect(changes.map((one) => `${one.field}: ${one.change}`)).toEqual([`contracts.buy@1.${change}`]);
    expect(changes[0]).toMatchObject({ effect: 'none', producers: 'Nobody has to change.' });
    expect(changes[0]!.readers).toMatch(readers);
    expect(compatible).toBe(true);
    // The contract is part of what a view means, also where no feature reads the field.
    expect(views).toEqual([expect.objectContaining({ view: 'buying', online: true, contracts: ['buy@1'] })]);
  });

  test('a new schema version and a new event type', () => {
    const others = [contract('buy', 2, { fields: FIELDS }), contract('pay', 1, { fields: {} })];
    const { changes, compatible } = useCaseDiff(before, useCase(FIELDS, {}, others));
    expect(changes.map(({ field: at, change }) => `${at}: ${change}`)).toEqual([
      'contracts.buy@2: a new schema version with the fields amount, shop, note',
      'contracts.pay@1: a new event type with the fields none',
    ]);
    expect(compatible).toBe(true);
  });
});

describe('a change that breaks', () => {
  const { shop, note } = FIELDS;
  test.each<readonly [string, Fields, string]>([
    ['fewer values', { shop: field.enum(['a'], { required: false }) }, 'refused'],
    ['a new required field', { till: field.int() }, 'refused'],
    ['a required one that was not', { shop: { ...shop, required: true } }, 'refused'],
    ['another case of the same texts', { note: { ...note, case: 'upper' } as FieldSpec }, 'reread'],
    ['other units', { amount: field.decimal(3, { min: 0, max: 10_000 }) }, 'reread'],
    ['another default', { note: field.string({ default: '-', maxLength: 64 }) }, 'reread'],
    ['another key', { note: { ...note, from: 'remark' } }, 'lost'],
  ])('%s', (_, fields, effect) => {
    const { changes, compatible } = useCaseDiff(before, useCase(fields));
    expect(changes.map((one) => one.effect)).toContain(effect);
    expect(compatible).toBe(false);
    expect(changes.filter((one) => one.effect !== 'none')).toHaveLength(
      contractBreaks(before.contracts, useCase(fields).contracts).length,
    );
  });

  test('a removed event type, whose producers go on', () => {
    const { changes, views } = useCaseDiff(useCase(FIELDS, {}, [contract('pay', 1, { fields: {} })]), before);
    expect(changes).toMatchObject([{ field: 'contracts.pay', effect: 'refused' }]);
    expect(views).toEqual([]);
  });
});

test('nothing is what nothing changed', () => {
  expect(useCaseDiff(before, useCase())).toEqual({ changes: [], views: [], compatible: true });
});

test('features that changed by themselves are named, and views that are gone', () => {
  const buy = contract('buy', 1, { fields: FIELDS });
  const features = { buys: count({ of: buy, window: '14d' }), most: sum({ of: buy.amount, window: '7d' }) };
  const now = defineUseCase({
    ...{ name: 'shop', entity: 'customer', contracts: [buy, contract('look', 1, { fields: {} })] },
    views: { buying: { entity: 'customer', features } },
  });
  expect(useCaseDiff(before, now).views).toEqual([
    expect.objectContaining({
      ...{ view: 'buying', contracts: [], online: true },
      features: { added: ['most'], removed: ['spent'], changed: ['buys'] },
    }),
  ]);
  const other = defineUseCase({
    ...{ name: 'shop', entity: 'customer', contracts: [buy, contract('look', 1, { fields: {} })] },
    views: { shopping: { entity: 'customer', features } },
  });
  expect(useCaseDiff(now, other).views).toMatchObject([
    { view: 'shopping', before: null, features: { added: ['buys', 'most'] } },
    { view: 'buying', now: null, features: { removed: ['buys', 'most'] } },
  ]);
});

test('whatever differs in a contract is told', () => {
  const decimal = fc.record({ scale: fc.constantFrom(0, 2), min: fc.constantFrom(0, -5), max: fc.constantFrom(9, 99) });
  const spec = fc.oneof(
    decimal.map(({ scale, min, max }) => field.decimal(scale, { min, max })),
    fc.constantFrom<FieldSpec>(
      field.int({ required: false }),
      field.int({ default: 3 }),
      field.enum(['a', 'b']),
      field.enum(['b', 'a']),
      field.enum(['a', 'b', 'c'], { required: false }),
      field.string({ maxLength: 9 }),
      field.string({ maxLength: 99, trim: false, required: false }),
      field.bool({ required: false }),
      field.timestamp('epoch_s', { required: false }),
      field.timestamp('iso8601', { required: false }),
    ),
  );
  const one = fc.record(
    {
      fields: fc.dictionary(fc.constantFrom('x', 'y'), spec),
      eventTime: fc.constantFrom('iso8601' as const, 'epoch_ms' as const),
      maxFuture: fc.constantFrom('1m', '5m'),
      minEventTime: fc.constantFrom('2015-01-01T00:00:00Z', '2016-01-01T00:00:00Z'),
      timeZone: fc.constantFrom('Europe/London', 'Europe/Berlin'),
      column: fc.constantFrom(1, 2),
    },
    { requiredKeys: ['fields'] },
  );
  const build = ({ fields, column, ...more }: { fields: Fields; column?: number } & More) =>
    useCase(fields, {
      ...more,
      ...(column === undefined
        ? {}
        : { derived: ({ amount }: never) => ({ cents: expr.mul(amount, column) }) as never }),
    } as More);
  fc.assert(
    fc.property(one, one, (a, b) => {
      const [was, is] = [build(a as never), build(b as never)];
      const { changes, views, compatible } = useCaseDiff(was, is);
      const same = canonicalJson(was.contracts) === canonicalJson(is.contracts);
      expect(changes.length > 0).toBe(!same);
      expect(views.map(({ view }) => view)).toEqual(same ? [] : ['buying']);
      expect(compatible).toBe(contractBreaks(was.contracts, is.contracts).length === 0);
    }),
    { numRuns: 500 },
  );
});
