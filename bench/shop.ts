/** The use case of the benchmarks: orders of a shop, with windows over all three hop sizes. */
import {
  contract,
  count,
  countDistinct,
  defineUseCase,
  derived,
  expr,
  type FeatureSpec,
  field,
  instants,
  last,
  max,
  mean,
  min,
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

/** Nine aggregations over each window, and one over a lifetime. */
export function streamView(windows: readonly string[]): ViewSpec {
  const over = (window: string): Record<string, FeatureSpec> => ({
    [`orders_${window}`]: count({ of: order, window }),
    [`spend_${window}`]: sum({ of: order, field: 'amount', window }),
    [`mean_items_${window}`]: mean({ of: order, field: 'items', window }),
    [`smallest_${window}`]: min({ of: order, field: 'amount', window }),
    [`largest_${window}`]: max({ of: order, field: 'amount', window }),
    [`last_amount_${window}`]: last({ of: order, field: 'amount', window }),
    [`channels_${window}`]: countDistinct({ of: order, field: 'channel', window }),
    [`since_${window}`]: timeSinceLast({ of: order, window }),
    [`web_orders_${window}`]: count({ of: order, where: { channel: 'web' }, window }),
  });
  return {
    entity: 'customer',
    features: Object.assign({ orders: count({ of: order, window: 'lifetime' }) }, ...windows.map(over)),
  };
}

/** Fifty features: nine over each of five windows, and five over a lifetime. */
export function readView(): ViewSpec {
  const { features } = streamView(['1h', '24h', '7d', '30d', '90d']);
  return {
    entity: 'customer',
    features: {
      ...features,
      first_order: timeSinceFirst({ of: order, window: 'lifetime' }),
      last_order: timeSinceLast({ of: order, window: 'lifetime' }),
      spend: sum({ of: order, field: 'amount', window: 'lifetime' }),
      mean_order: derived(expr.ratio('spend', 'orders')),
    },
  };
}

/** A complete use case around a view: label, model and alerts are what the definition asks for and are not measured. */
export function shop(view: ViewSpec): UseCaseIR {
  const day = '2026-01-01T00:00:00Z';
  return defineUseCase({
    name: 'shop',
    entity: 'customer',
    contracts: [order],
    views: { shop: view },
    label: { name: 'silent', kind: 'no_event', event_type: 'order', horizon: '14d', eligible: { event_type: 'order' } },
    model: {
      name: 'shop',
      view: 'shop',
      inputs: ['orders'],
      baseline_inputs: ['orders'],
      hyperparameters: { num_boost_round: 1 },
      train: instants(day, day, '1d'),
      validation: instants('2026-02-01T00:00:00Z', '2026-02-01T00:00:00Z', '1d'),
      test: instants('2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', '1d'),
      seed: 1,
      gate: { min_auc: 0.5, max_auc: 1, min_auc_gain_over_baseline: 0, max_calibration_error: 1 },
    },
    alerts: {
      name: 'silence',
      threshold: 0.8,
      rearm_below: 0.6,
      cooldown: '14d',
      top_reasons: 1,
      title: 'A customer falls silent',
      link: 'https://example.org/customers/{entity_id}',
      reasons: { orders: { text: '{value} orders', format: 'number' } },
    },
  });
}
