/** Columns and features are values: a name that is none is an error of types, and without a type checker one sentence. */
import { describe, expect, test } from '@jest/globals';
import { contractIR } from '../../core/definition/contracts.ts';
import {
  contract,
  count,
  defineUseCase,
  derived,
  expr,
  type Feature,
  field,
  histogram,
  lastK,
  type ModelSpec,
  noEvent,
  type Series,
  series,
  sum,
} from '../../core/definition/define.ts';
import { DefinitionError } from '../../core/ir/errors.ts';
import { useCaseOf } from './use-case-of.ts';

const order = contract('order', 1, {
  fields: {
    amount: field.decimal(2, { min: 0, max: 1e8 }),
    channel: field.enum(['web', 'store']),
    note: field.string(),
    // Names that mean something elsewhere.
    ir: field.int(),
    name: field.string(),
    eq: field.int({ min: 0, max: 9 }),
  },
  derived: ({ amount }) => ({ big: expr.gt(amount, 10_000) }),
});
const other = contract('other', 1, { fields: { n: field.int() } });
const window = '7d';
const orders = count({ of: order, window });
const spend = sum({ of: order.amount, window });
const notes = lastK({ of: order.note, k: 3, window });
const use = (features: Record<string, Feature | Series>) => () => useCaseOf([order, other], features);

test('any name may be a column', () => {
  const [view] = useCaseOf([order], { some: sum({ of: order.eq, window, where: order.ir.gt(1) }) }).views;
  expect(view!.features[0]).toMatchObject({ field: 'eq', where: [{ field: 'ir', op: 'gt', value: 1 }] });
  expect(Object.keys(order)).toEqual([...contractIR(order).fields.map(({ name }) => name), 'big']);
});

test('conditions are what the document says, one or several', () => {
  const where = [order.channel.in(['web', 'store']), order.amount.lte(5), order.big.eq(1), order.note.ne('x')];
  const [view] = useCaseOf([order], { all: count({ of: order, where, window }) }).views;
  expect(view!.features[0]).toMatchObject({
    where: [
      { field: 'channel', op: 'in', value: ['web', 'store'] },
      { field: 'amount', op: 'lte', value: 5 },
      { field: 'big', op: 'eq', value: 1 },
      { field: 'note', op: 'ne', value: 'x' },
    ],
  });
});

test('a feature is called what the view calls it, in every view', () => {
  const share = derived(expr.ratio(spend, orders));
  const named = (features: Record<string, Feature>) => useCaseOf([order], features).views[0]!.features[2];
  expect(named({ orders, spend, share })).toMatchObject({ name: 'share', expr: { left: { name: 'spend' } } });
  expect(named({ often: orders, cents: spend, each: share })).toMatchObject({
    name: 'each',
    expr: { left: { name: 'cents' } },
  });
});

/** What TypeScript refuses stands behind `@ts-expect-error`: the check of types fails where it no longer does. */
describe('without a type checker refused by name', () => {
  const learning = (over: object) => () => {
    const on = (day: string) => ({ from: day, to: day, every: '7d' });
    const model: ModelSpec = {
      ...{ name: 'm', inputs: [orders], baselineInputs: [orders], seed: 1 },
      ...{
        train: on('2026-01-01T00:00:00Z'),
        validation: on('2026-02-01T00:00:00Z'),
        test: on('2026-03-01T00:00:00Z'),
      },
      gate: { minAuc: 0.5, maxAuc: 0.9, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
      ...over,
    };
    const views = { some: { entity: 'customer', features: { orders, spend, notes } } };
    const label = noEvent({ name: 'gone', of: order, horizon: '14d' });
    return defineUseCase({ name: 'some', entity: 'customer', contracts: [order], views, label, model });
  };

  test.each<[string, () => unknown, RegExp]>([
    [
      'a column that is misspelt',
      // @ts-expect-error
      () => sum({ of: order.amuont, window }),
      /^contracts\.order\.amuont: found no such column; allowed: amount, channel, note, .*, big$/,
    ],
    [
      'a field that is misspelt, within its contract',
      // @ts-expect-error
      () => contract('line', 1, { fields: { n: field.int() }, derived: ({ m }) => ({ twice: expr.mul(m, 2) }) }),
      /^contracts\.line\.m: found no such column; allowed: n$/,
    ],
    [
      'a sum of text',
      // @ts-expect-error
      use({ some: sum({ of: order.note, window }) }),
      /^features\.some\.of: found string field for sum/,
    ],
    [
      'a histogram of numbers',
      // @ts-expect-error
      use({ some: histogram({ of: order.amount, k: 3, cap: 16, window }) }),
      /^features\.some\.of: found decimal field for histogram/,
    ],
    [
      'values of whole events',
      // @ts-expect-error
      use({ some: sum({ of: order, window }) }),
      /^features\.some\.of: found an object; allowed: a column such as order\.amount/,
    ],
    [
      'a value of another type',
      // @ts-expect-error
      use({ some: count({ of: order, window, where: order.channel.eq(5) }) }),
      /^features\.some\.where\.channel: found 5; allowed: a string/,
    ],
    [
      'text that is compared as a number',
      // @ts-expect-error
      use({ some: count({ of: order, window, where: order.note.gt(5) }) }),
      /^features\.some\.where\.note: found 5; allowed: a string/,
    ],
    [
      'a condition on a column of another event',
      // @ts-expect-error
      use({ some: count({ of: order, window, where: other.n.eq(1) }) }),
      /^features\.some\.where\.n: found a column of other; allowed: columns of order/,
    ],
    [
      'a retraction by a column of another event',
      // @ts-expect-error
      () => contract('undo', 1, { fields: {}, retracts: () => ({ of: order, id: order.note }) }),
      /^contracts\.undo\.retracts\.id: found a column of order; allowed: columns of undo/,
    ],
    [
      'arithmetic with a list',
      // @ts-expect-error
      use({ notes, some: derived(expr.add(notes, 1)) }),
      /^features\.some\.expr: found feature notes, which is a list/,
    ],
    [
      'a column among features',
      // @ts-expect-error
      use({ orders, some: derived(expr.add(orders, order.amount)) }),
      /^features\.some\.expr: found an object; allowed: a feature, a number or an expression/,
    ],
    [
      'a series as one value',
      // @ts-expect-error
      use({ some: derived(expr.add(series(orders, 2), 1)) }),
      /^features\.some\.expr: found an object; allowed: a feature, a number or an expression/,
    ],
    [
      'a feature that the view does not have',
      use({ orders, some: derived(expr.add(spend, 1)) }),
      /^features\.some\.expr: found a feature that the view does not have; allowed: orders, some, n/,
    ],
    ['one feature under two names', use({ a: orders, b: orders }), /^features\.b: found the feature a; allowed: each /],
    [
      'an input that the view does not have',
      learning({ inputs: [orders, count({ of: order, window })] }),
      /^model\.inputs\.1: found a feature that the view does not have; allowed: orders, spend, notes/,
    ],
    [
      'an input by its name',
      learning({ inputs: [orders, 'spend'] }),
      /^model\.inputs: found a list of 2; allowed: a list of features/,
    ],
    [
      'a constraint on what is no input',
      learning({ monotone: { decreasing: [spend] } }),
      /^model\.monotone\.decreasing: found spend, which is no input; allowed: some of model\.inputs/,
    ],
    [
      'a constraint that is misspelt',
      learning({ monotone: { rising: [orders] } }),
      /^model\.monotone\.rising: found a member of this name; allowed: increasing, decreasing/,
    ],
    [
      'a constraint on a network',
      learning({ framework: 'pytorch', monotone: { increasing: [orders] } }),
      /^model\.monotone: found it with framework pytorch; allowed: it with xgboost or sklearn/,
    ],
    [
      'a framework that is none',
      learning({ framework: 'caffe' }),
      /^model\.framework: found .*; allowed: .*xgboost.*sklearn/,
    ],
    [
      'a model of a view that there is not',
      learning({ view: { features: {} } }),
      /^model\.view: found an object; allowed: one of the views some/,
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(DefinitionError);
    expect(make).toThrow(message);
  });

  test('a list as an input of a model is no type either', () => {
    // @ts-expect-error
    const inputs: ModelSpec['inputs'] = [notes];
    expect(learning({ inputs, baselineInputs: inputs })).toThrow(/^model\.inputs: found notes, which is a list/);
  });
});

test('monotone constraints are what the trainer reads: names, by their direction', () => {
  const model = (monotone: ModelSpec['monotone'], framework?: ModelSpec['framework']) => {
    const on = (day: string) => ({ from: day, to: day, every: '7d' });
    return defineUseCase({
      name: 'some',
      entity: 'customer',
      contracts: [order],
      views: { some: { entity: 'customer', features: { orders, spend } } },
      label: noEvent({ name: 'gone', of: order, where: order.amount.gt(0), horizon: '14d', eligible: order }),
      model: {
        ...{ name: 'm', inputs: [orders, spend], baselineInputs: [orders], seed: 1, monotone, framework },
        ...{ train: on('2026-01-01T00:00:00Z'), validation: on('2026-02-01T00:00:00Z') },
        test: on('2026-03-01T00:00:00Z'),
        hyperparameters: { eta: 0.1 },
        gate: { minAuc: 0.5, maxAuc: 0.9, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
      },
    }).model;
  };
  expect(model({ increasing: [spend, orders] }).hyperparameters).toEqual({ eta: 0.1, increasing: 'spend,orders' });
  expect(model({ increasing: [], decreasing: [spend] }).hyperparameters).toEqual({ eta: 0.1, decreasing: 'spend' });
  expect(model(undefined).hyperparameters).toEqual({ eta: 0.1 });
  // XGBoost is what an absent framework means, so documents of before stay as they are.
  expect(['framework' in model(undefined), 'framework' in model(undefined, 'xgboost')]).toEqual([false, false]);
  expect(model({ increasing: [spend] }, 'sklearn')).toMatchObject({ framework: 'sklearn' });
});
