/** The plan of a view stands in the document: made once, outside of the hash, and added to documents from before. */
import { describe, expect, test } from '@jest/globals';
import { contract, count, defineUseCase, field, mean, min, quantile, sum } from '../../core/definition/define.ts';
import { parseUseCase } from '../../core/definition/usecase.ts';
import type { UseCaseIR } from '../../core/ir/document.ts';
import { compileView } from '../../core/state/plan.ts';
import { DAY, HOUR } from '../../core/values/time.ts';

const buy = contract('buy', 1, {
  fields: { amount: field.int({ min: 0, max: 9 }), shop: field.enum(['a', 'b']), gift: field.bool() },
});
const refund = contract('refund', 1, {
  fields: { buy_id: field.string({ maxLength: 20 }) },
  retracts: ({ buy_id }) => ({ of: buy, id: buy_id }),
});
const visit = contract('visit', 1, { fields: {} });

const ir = defineUseCase({
  name: 'some',
  entity: 'customer',
  contracts: [buy, refund, visit],
  views: {
    some: {
      entity: 'customer',
      features: {
        ever: min({ of: buy.amount, window: 'lifetime' }),
        gifts: count({ of: buy, where: [buy.gift.eq(true), buy.shop.eq('a')], window: '7d' }),
        mean: mean({ of: buy.amount, window: '3d' }),
        spent: sum({ of: buy.amount, window: '28d' }),
        sum: sum({ of: buy.amount, window: '7d' }),
        usual: quantile({ of: buy.amount, q: 0.5, error: 0.01, window: '7d' }),
        high: quantile({ of: buy.amount, q: 0.9, error: 0.01, window: '7d' }),
        visits: count({ of: visit, window: '7d' }),
      },
    },
  },
});
const [view] = ir.views;
const written = (document: UseCaseIR) => JSON.parse(JSON.stringify(document));
/** As it was written before views carried their plans. */
function former({ views, ...rest }: UseCaseIR): unknown {
  return written({ ...rest, ir_version: 1, views: views.map(({ plan: _, ...view }) => view) } as never);
}

describe('the plan of a view', () => {
  const whole = { event_type: 'buy', field: 'amount', where: [], cap: null, k: null };

  test('has levels by hop, lifetime last, and partials that features share', () => {
    const { levels, cells } = view!.plan;
    const gifts = [
      { field: 'gift', op: 'eq', value: true },
      { field: 'shop', op: 'eq', value: 'a' },
    ];
    expect(levels).toEqual([
      {
        hop_ms: HOUR,
        retention_ms: 7 * DAY,
        partials: [
          { ...whole, kind: 'count', field: null, where: gifts },
          { ...whole, kind: 'sum' },
          { ...whole, kind: 'quantile', error: 0.01 },
          { ...whole, kind: 'count', event_type: 'visit', field: null },
        ],
      },
      { hop_ms: DAY, retention_ms: 28 * DAY, partials: [{ ...whole, kind: 'sum' }] },
      { hop_ms: null, retention_ms: null, partials: [{ ...whole, kind: 'min' }] },
    ]);
    const places = [
      [2, 0],
      [0, 0],
      [0, 1],
      [1, 0],
      [0, 1],
      [0, 2],
      [0, 2],
      [0, 3],
    ];
    expect(cells).toEqual(places.map(([level, partial]) => ({ level, partial })));
  });

  test('says what is read, and what a state remembers of events that can be retracted', () => {
    const bought = { event_type: 'buy', properties: ['amount', 'gift', 'shop'] };
    expect(view!.plan.ledger).toEqual([bought]);
    expect(view!.plan.reads).toEqual([
      bought,
      { event_type: 'refund', properties: ['buy_id'] },
      { event_type: 'visit', properties: [] },
    ]);
  });

  test('is read as it stands, not made again', () => {
    const [first, ...others] = view!.plan.levels;
    const plan = { ...view!.plan, levels: [{ ...first!, retention_ms: 9 * DAY }, ...others] };
    expect(compileView({ ...view!, plan }).levels.map(({ retention_ms }) => retention_ms)).toEqual([
      9 * DAY,
      28 * DAY,
      Number.POSITIVE_INFINITY,
    ]);
  });
});

describe('a document', () => {
  test('of before is read as one of now, under the same hash', () => {
    expect(parseUseCase(former(ir))).toEqual(ir);
  });

  test.each<[string, unknown, RegExp]>([
    [
      'with another plan',
      { ...ir, views: [{ ...view!, plan: { ...view!.plan, levels: view!.plan.levels.toReversed() } }] },
      /^views\.some\.plan: found another plan than this definition has; allowed: the IR as the compiler wrote it$/,
    ],
    [
      'without a plan',
      { ...(former(ir) as object), ir_version: 2 },
      /^views\.some\.plan: found nothing; allowed: object$/,
    ],
    ['of before with a plan', { ...ir, ir_version: 1 }, /^views\.some\.plan: found a member of this name/],
    ['of a version to come', { ...ir, ir_version: 3 }, /^ir_version: found 3; allowed: 1 or 2$/],
  ])('%s is refused', (_, document, message) => {
    expect(() => parseUseCase(JSON.parse(JSON.stringify(document)))).toThrow(message);
  });
});
