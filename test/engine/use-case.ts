/** A small use case for the tests of the functions, and records of it as they lie in the stream. */
import { compileContracts } from '../../core/admission/admit.ts';
import {
  contract,
  count,
  countDistinct,
  defineUseCase,
  field,
  instants,
  last,
  sum,
  timeSinceLast,
} from '../../core/definition/define.ts';
import { hashOf, versionOf } from '../../core/definition/hash.ts';
import { withPlan } from '../../core/definition/plan.ts';
import type { ProcessorRules } from '../../engine/ingest/batch.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { compileUseCase } from '../../engine/use-case.ts';

const buy = contract('buy', 1, {
  fields: {
    amount: field.int({ min: -1_000_000, max: 1_000_000 }),
    shop: field.enum(['a', 'b', 'c'], { required: false }),
    note: field.string({ required: false, max_length: 4096 }),
  },
});

export const ir = defineUseCase({
  name: 'shop',
  entity: 'customer',
  contracts: [buy],
  views: {
    buying: {
      entity: 'customer',
      features: {
        buys_7d: count({ of: buy, window: '7d' }),
        spent_28d: sum({ of: buy, field: 'amount', window: '28d' }),
        shops_28d: countDistinct({ of: buy, field: 'shop', window: '28d' }),
        last_note: last({ of: buy, field: 'note', window: 'lifetime' }),
        silence: timeSinceLast({ of: buy, window: 'lifetime' }),
      },
    },
  },
  label: { name: 'gone', kind: 'no_event', event_type: 'buy', horizon: '14d', eligible: { event_type: 'buy' } },
  model: {
    name: 'churn',
    view: 'buying',
    inputs: ['buys_7d', 'silence'],
    baseline_inputs: ['silence'],
    hyperparameters: {},
    train: instants('2017-03-01T00:00:00Z', '2017-04-01T00:00:00Z', '7d'),
    validation: instants('2017-05-01T00:00:00Z', '2017-05-01T00:00:00Z', '7d'),
    test: instants('2017-06-01T00:00:00Z', '2017-06-01T00:00:00Z', '7d'),
    seed: 1,
    gate: { min_auc: 0.7, max_auc: 0.93, min_auc_gain_over_baseline: 0, max_calibration_error: 0.1 },
  },
  alerts: {
    name: 'leaving',
    threshold: 0.8,
    rearm_below: 0.6,
    cooldown: '14d',
    top_reasons: 2,
    title: 'A customer is leaving',
    link: 'https://example.org/customers/{entity_id}?t={t}',
    reasons: {
      silence: { text: 'nothing bought for {value}', format: 'days' },
      buys_7d: { text: 'only {value} purchases in a week', format: 'number' },
    },
  },
});

export const usecase = compileUseCase(ir);
/** What was released before: it has a feature less, in the middle, so that values stand in other places. */
export const old = compileUseCase(withoutFeature('spent_28d'));
export const ARRIVAL = Date.UTC(2017, 5, 1, 12);
export const RULES: ProcessorRules = {
  contracts: compileContracts(ir.contracts),
  plan: usecase.plan,
  admit: { replay: false, available_lag_ms: 0, max_bytes: 256 * 1024 },
};

function withoutFeature(name: string): typeof ir {
  const view = { ...ir.views[0]!, features: ir.views[0]!.features.filter((feature) => feature.name !== name) };
  const definition_hash = hashOf(view, ir.contracts);
  return { ...ir, views: [withPlan({ ...view, definition_hash, version: versionOf(view.name, definition_hash) })] };
}

/** A good purchase; `over` replaces parts of the envelope, undefined removes them. */
export function purchase(entity_id: string, event_id: string, over: Readonly<Record<string, unknown>> = {}): object {
  return {
    event_id,
    entity_id,
    event_type: 'buy',
    event_time: new Date(ARRIVAL - 60_000).toISOString(),
    source: 'till',
    schema_version: 1,
    properties: { amount: 100, shop: 'a' },
    ...over,
  };
}

export function record(
  data: object | Uint8Array | string,
  sequence: number,
  options: { readonly key?: string; readonly shard?: string; readonly arrival_ms?: number } = {},
): StreamRecord {
  const entity = (data as { entity_id?: unknown }).entity_id;
  return {
    position: {
      shard_id: options.shard ?? 'shardId-000000000000',
      sequence_number: String(sequence),
      arrival_ms: options.arrival_ms ?? ARRIVAL + sequence,
      partition_key: options.key ?? (typeof entity === 'string' ? entity : 'nobody'),
    },
    data:
      data instanceof Uint8Array ? data : Buffer.from(typeof data === 'string' ? data : JSON.stringify(data), 'utf8'),
  };
}
