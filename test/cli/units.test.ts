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
  instants,
  last,
  lastK,
  max,
  mean,
  min,
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
  derived: { squared: expr.mul('amount', 'amount'), mixed: expr.add('amount', 'weight'), twice: expr.mul('amount', 2) },
});
const of = { of: order, window: '28d' } as const;
const day = '2026-01-01T00:00:00Z';

const { views, contracts } = defineUseCase({
  name: 'shop',
  entity: 'customer',
  contracts: [order],
  views: {
    customer: {
      entity: 'customer',
      features: {
        orders: count(of),
        spend: sum({ ...of, field: 'amount' }),
        mean_spend: mean({ ...of, field: 'amount' }),
        spread: variance({ ...of, field: 'amount' }),
        most: max({ ...of, field: 'squared' }),
        least: min({ ...of, field: 'mixed' }),
        doubled: last({ ...of, field: 'twice' }),
        heavy: lastK({ ...of, field: 'weight', k: 2 }),
        items: sum({ ...of, field: 'items' }),
        shops: countDistinct({ ...of, field: 'channel' }),
        channel: last({ ...of, field: 'channel' }),
        shipped: max({ ...of, field: 'shipped' }),
        silence: timeSinceLast({ ...of, window: 'lifetime' }),
        weekly: sum({ ...of, field: 'amount', window: '7d', series: 3 }),
        per_order: derived(expr.ratio('spend', 'orders')),
        share: derived(expr.ratio('weekly_0', 'spend')),
        growth: derived(expr.trend('weekly', 3)),
        above: derived(expr.gt('spend', 5)),
        rest: derived(expr.difference('spend', 'silence')),
        pace: derived(expr.ratio('spend', 'silence')),
        rate: derived(expr.ratio('orders', 'silence')),
        known: derived(expr.coalesce('spend', 0)),
      },
    },
  },
  label: { name: 'quiet', kind: 'no_event', event_type: 'order', horizon: '14d', eligible: { event_type: 'order' } },
  model: {
    name: 'm',
    view: 'customer',
    inputs: ['orders'],
    baseline_inputs: ['orders'],
    hyperparameters: {},
    train: instants(day, day, '7d'),
    validation: instants('2026-04-01T00:00:00Z', '2026-04-01T00:00:00Z', '7d'),
    test: instants('2026-07-01T00:00:00Z', '2026-07-01T00:00:00Z', '7d'),
    seed: 1,
    gate: { min_auc: 0.5, max_auc: 0.99, min_auc_gain_over_baseline: 0, max_calibration_error: 0.1 },
  },
  alerts: {
    ...{ name: 'a', threshold: 0.8, rearm_below: 0.6, cooldown: '7d', top_reasons: 1, title: 't', link: 'l' },
    reasons: { orders: { text: 'few', format: 'number' } },
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
