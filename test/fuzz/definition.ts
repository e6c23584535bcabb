/** The use case of the fuzz: every field type, two versions of one event type, retractions, most aggregations. */
import {
  contract,
  count,
  countDistinct,
  defineUseCase,
  field,
  first,
  histogram,
  last,
  lastK,
  max,
  mean,
  min,
  sum,
  timeSinceLast,
  variance,
} from '../../core/definition/define.ts';
import { compileUseCase } from '../../engine/use-case.ts';
import { ir as shop } from '../engine/use-case.ts';

const fields = {
  amount: field.decimal(2, { from: 'Total', min: -100_000, max: 100_000, required: false }),
  items: field.int({ min: 0, max: 1000, required: false, default: 1 }),
  channel: field.enum(['web', 'shop', 'app'], { trim: true, case: 'lower', required: false }),
  note: field.string({ trim: true, max_length: 5, required: false }),
  loyal: field.bool({ required: false }),
  due: field.timestamp('epoch_s', { required: false }),
};
const buy = contract('buy', 1, { fields });
const buy2 = contract('buy', 2, { fields: { ...fields, points: field.int({ min: 0, max: 1000, required: false }) } });
const visit = contract('visit', 1, {
  event_time: 'epoch_ms',
  fields: { page: field.string({ case: 'upper', required: false, max_length: 40 }) },
});
const ping = contract('ping', 1, { event_time: 'epoch_s', fields: {} });
const refund = contract('refund', 1, {
  fields: { buy_id: field.string({ required: false }) },
  retracts: { of: buy, id: 'buy_id' },
});

// A compiled use case has its durations in ms; a definition says them in words.
const { horizon_ms: _horizon, ...label } = shop.label;
const { cooldown_ms: _cooldown, ...alerts } = shop.alerts;

export const ir = defineUseCase({
  name: 'odd',
  entity: 'customer',
  contracts: [buy, buy2, visit, ping, refund],
  views: {
    odd: {
      entity: 'customer',
      dedupe: { horizon: '400d', cap: 4096 },
      features: {
        buys: count({ of: buy, window: 'lifetime' }),
        buys_7d: count({ of: buy, window: '7d' }),
        spent: sum({ of: buy, field: 'amount', window: '28d' }),
        points: sum({ of: buy2, field: 'points', window: 'lifetime' }),
        mean_items: mean({ of: buy, field: 'items', window: '90d' }),
        spread: variance({ of: buy, field: 'amount', window: '90d' }),
        least: min({ of: buy, field: 'amount', window: '90d' }),
        most: max({ of: buy, field: 'due', window: 'lifetime' }),
        first_note: first({ of: buy, field: 'note', window: 'lifetime' }),
        last_channel: last({ of: buy, field: 'channel', window: 'lifetime' }),
        last_pages: lastK({ of: visit, field: 'page', window: '28d', k: 3 }),
        pages: countDistinct({ of: visit, field: 'page', window: '28d', cap: 64 }),
        channels: histogram({ of: buy, field: 'channel', window: '28d', k: 2 }),
        pings: count({ of: ping, window: '24h' }),
        loyal: count({ of: buy, window: '90d', where: { loyal: true } }),
        silence: timeSinceLast({ of: visit, window: 'lifetime' }),
      },
    },
  },
  label: { ...label, where: {}, horizon: '14d' },
  model: { ...shop.model, view: 'odd', inputs: ['buys_7d', 'silence'], baseline_inputs: ['silence'] },
  alerts: { ...alerts, cooldown: '14d', reasons: {} },
});

export const odd = compileUseCase(ir);
