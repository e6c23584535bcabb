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
  noEvent,
  sum,
  timeSinceLast,
  variance,
} from '../../core/definition/define.ts';
import { compileUseCase } from '../../engine/use-case.ts';
import { alerts, model } from '../engine/use-case.ts';

const fields = {
  amount: field.decimal(2, { from: 'Total', min: -100_000, max: 100_000, required: false }),
  items: field.int({ min: 0, max: 1000, required: false, default: 1 }),
  channel: field.enum(['web', 'shop', 'app'], { trim: true, case: 'lower', required: false }),
  note: field.string({ trim: true, maxLength: 5, required: false }),
  loyal: field.bool({ required: false }),
  due: field.timestamp('epoch_s', { required: false }),
};
const buy = contract('buy', 1, { fields });
const buy2 = contract('buy', 2, { fields: { ...fields, points: field.int({ min: 0, max: 1000, required: false }) } });
const visit = contract('visit', 1, {
  eventTime: 'epoch_ms',
  fields: { page: field.string({ case: 'upper', required: false, maxLength: 40 }) },
});
const ping = contract('ping', 1, { eventTime: 'epoch_s', fields: {} });
const refund = contract('refund', 1, {
  fields: { buy_id: field.string({ required: false }) },
  retracts: ({ buy_id }) => ({ of: buy, id: buy_id }),
});

const buys_7d = count({ of: buy, window: '7d' });
const silence = timeSinceLast({ of: visit, window: 'lifetime' });

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
        buys_7d,
        spent: sum({ of: buy.amount, window: '28d' }),
        points: sum({ of: buy2.points, window: 'lifetime' }),
        mean_items: mean({ of: buy.items, window: '90d' }),
        spread: variance({ of: buy.amount, window: '90d' }),
        least: min({ of: buy.amount, window: '90d' }),
        most: max({ of: buy.due, window: 'lifetime' }),
        first_note: first({ of: buy.note, window: 'lifetime' }),
        last_channel: last({ of: buy.channel, window: 'lifetime' }),
        last_pages: lastK({ of: visit.page, window: '28d', k: 3 }),
        pages: countDistinct({ of: visit.page, window: '28d', cap: 64 }),
        channels: histogram({ of: buy.channel, window: '28d', k: 2 }),
        pings: count({ of: ping, window: '24h' }),
        loyal: count({ of: buy, window: '90d', where: buy.loyal.eq(true) }),
        silence,
      },
    },
  },
  label: noEvent({ name: 'gone', of: buy, horizon: '14d' }),
  model: { ...model, inputs: [buys_7d, silence], baselineInputs: [silence] },
  alerts: { ...alerts, reasons: [] },
});

export const odd = compileUseCase(ir);
