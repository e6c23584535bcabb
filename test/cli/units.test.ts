/** What a value counts, by the contract its field has. */
import { expect, test } from '@jest/globals';
import { unitsOf } from '../../cli/commands/features/units.ts';
import {
  contract,
  count,
  countDistinct,
  defineUseCase,
  derived,
  expr,
  field,
  last,
  lastK,
  max,
  mean,
  min,
  noEvent,
  series,
  sum,
  timeSinceLast,
  variance,
} from '../../core/definition/define.ts';

const order = contract('order', 1, {
  fields: {
    amount: field.decimal(2, { min: 0, max: 1e6 }),
    weight: field.decimal(3, { min: 0, max: 1e6 }),
    items: field.int({ min: 0, max: 100 }),
    shipped: field.timestamp('iso8601', { required: false }),
    channel: field.enum(['web', 'shop']),
  },
  derived: ({ amount, weight }) => ({
    squared: expr.mul(amount, amount),
    mixed: expr.add(amount, weight),
    twice: expr.mul(amount, 2),
  }),
});
const over = { window: '28d' } as const;
const orders = count({ ...over, of: order });
const spend = sum({ ...over, of: order.amount });
const silence = timeSinceLast({ of: order, window: 'lifetime' });
const weekly = series(sum({ of: order.amount, window: '7d' }), 3);
const at = (day: string) => ({ from: day, to: day, every: '7d' });

const { views, contracts } = defineUseCase({
  name: 'shop',
  entity: 'customer',
  contracts: [order],
  views: {
    customer: {
      entity: 'customer',
      features: {
        orders,
        spend,
        mean_spend: mean({ ...over, of: order.amount }),
        spread: variance({ ...over, of: order.amount }),
        most: max({ ...over, of: order.squared }),
        least: min({ ...over, of: order.mixed }),
        doubled: last({ ...over, of: order.twice }),
        heavy: lastK({ ...over, of: order.weight, k: 2 }),
        items: sum({ ...over, of: order.items }),
        shops: countDistinct({ ...over, of: order.channel }),
        channel: last({ ...over, of: order.channel }),
        shipped: max({ ...over, of: order.shipped }),
        silence,
        weekly,
        per_order: derived(expr.ratio(spend, orders)),
        share: derived(expr.ratio(weekly.windows[0]!, spend)),
        growth: derived(expr.trend(weekly)),
        above: derived(expr.gt(spend, 5)),
        rest: derived(expr.difference(spend, silence)),
        pace: derived(expr.ratio(spend, silence)),
        rate: derived(expr.ratio(orders, silence)),
        known: derived(expr.coalesce(spend, 0)),
      },
    },
  },
  label: noEvent({ name: 'quiet', of: order, horizon: '14d' }),
  model: {
    name: 'm',
    inputs: [orders],
    baselineInputs: [orders],
    train: at('2026-01-01T00:00:00Z'),
    validation: at('2026-04-01T00:00:00Z'),
    test: at('2026-07-01T00:00:00Z'),
    seed: 1,
    gate: { minAuc: 0.5, maxAuc: 0.99, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
  },
  alerts: {
    ...{ name: 'a', threshold: 0.8, rearmBelow: 0.6, cooldown: '7d', topReasons: 1, title: 't', link: 'l' },
    reasons: [{ of: orders, text: 'few', format: 'number' }],
  },
});

test('money is told in its minor units, time in ms, and a plain number not at all', () => {
  expect(unitsOf(views[0]!, contracts)).toEqual({
    spend: '10^-2',
    mean_spend: '10^-2',
    spread: '10^-4',
    most: '10^-4',
    doubled: '10^-2',
    heavy: '10^-3',
    shipped: 'ms',
    silence: 'ms',
    weekly_0: '10^-2',
    weekly_1: '10^-2',
    weekly_2: '10^-2',
    per_order: '10^-2',
    growth: '10^-2',
    pace: '10^-2/ms',
    rate: '1/ms',
    known: '10^-2',
  });
});
