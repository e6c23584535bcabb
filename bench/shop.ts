/** The use case of the benchmarks: orders of a shop, with windows over all three hop sizes. */
import {
  contract,
  count,
  countDistinct,
  defineUseCase,
  derived,
  expr,
  type Feature,
  field,
  last,
  max,
  mean,
  min,
  noEvent,
  sum,
  timeSinceFirst,
  timeSinceLast,
  type ViewSpec,
} from '../core/definition/define.ts';
import type { UseCaseIR } from '../core/ir/document.ts';

const order = contract('order', 1, {
  fields: {
    amount: field.decimal(2, { min: 0, max: 100_000_000 }),
    items: field.int({ min: 0, max: 10_000 }),
    channel: field.enum(['web', 'app', 'store']),
  },
});

/** Hops of 5 minutes, an hour and a day. */
export const THREE_HOPS = ['1h', '24h', '30d'] as const;
/** Four times as many windows over the same hops. */
export const TWELVE_WINDOWS = [
  '15m',
  '30m',
  '1h',
  '6h',
  '12h',
  '18h',
  '24h',
  '48h',
  '12d',
  '14d',
  '21d',
  '30d',
] as const;

const orders = count({ of: order, window: 'lifetime' });

/** Nine aggregations over each window, and one over a lifetime. */
export function streamView(windows: readonly string[]): ViewSpec {
  const over = (window: string): Record<string, Feature> => ({
    [`orders_${window}`]: count({ of: order, window }),
    [`spend_${window}`]: sum({ of: order.amount, window }),
    [`mean_items_${window}`]: mean({ of: order.items, window }),
    [`smallest_${window}`]: min({ of: order.amount, window }),
    [`largest_${window}`]: max({ of: order.amount, window }),
    [`last_amount_${window}`]: last({ of: order.amount, window }),
    [`channels_${window}`]: countDistinct({ of: order.channel, window }),
    [`since_${window}`]: timeSinceLast({ of: order, window }),
    [`web_orders_${window}`]: count({ of: order, where: order.channel.eq('web'), window }),
  });
  return {
    entity: 'customer',
    features: Object.assign({ orders }, ...windows.map(over)),
  };
}

/** Fifty features: nine over each of five windows, and five over a lifetime. */
export function readView(): ViewSpec {
  const { features } = streamView(['1h', '24h', '7d', '30d', '90d']);
  const spend = sum({ of: order.amount, window: 'lifetime' });
  return {
    entity: 'customer',
    features: {
      ...features,
      first_order: timeSinceFirst({ of: order, window: 'lifetime' }),
      last_order: timeSinceLast({ of: order, window: 'lifetime' }),
      spend,
      mean_order: derived(expr.ratio(spend, orders)),
    },
  };
}

/** A complete use case around a view: label, model and alerts are what the definition asks for and are not measured. */
export function shop(view: ViewSpec): UseCaseIR {
  const on = (day: string) => ({ from: day, to: day, every: '1d' });
  return defineUseCase({
    name: 'shop',
    entity: 'customer',
    contracts: [order],
    views: { shop: view },
    label: noEvent({ name: 'silent', of: order, horizon: '14d' }),
    model: {
      name: 'shop',
      inputs: [orders],
      baselineInputs: [orders],
      hyperparameters: { num_boost_round: 1 },
      train: on('2026-01-01T00:00:00Z'),
      validation: on('2026-02-01T00:00:00Z'),
      test: on('2026-03-01T00:00:00Z'),
      seed: 1,
      gate: { minAuc: 0.5, maxAuc: 1, minAucGainOverBaseline: 0, maxCalibrationError: 1 },
    },
    alerts: {
      name: 'silence',
      threshold: 0.8,
      rearmBelow: 0.6,
      cooldown: '14d',
      topReasons: 1,
      title: 'A customer falls silent',
      link: 'https://example.org/customers/{entity_id}',
      reasons: [{ of: orders, text: '{value} orders', format: 'number' }],
    },
  });
}
