/** A small use case for the tests of the functions, and records of it as they lie in the stream. */
import { compileContracts } from '../../core/admission/admit.ts';
import {
  type AlertSpec,
  contract,
  count,
  countDistinct,
  defineUseCase,
  field,
  last,
  type ModelSpec,
  noEvent,
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
    note: field.string({ required: false, maxLength: 4096 }),
  },
});

const buys_7d = count({ of: buy, window: '7d' });
const silence = timeSinceLast({ of: buy, window: 'lifetime' });
export const model = {
  name: 'churn',
  inputs: [buys_7d, silence],
  baselineInputs: [silence],
  train: { from: '2017-03-01T00:00:00Z', to: '2017-04-01T00:00:00Z', every: '7d' },
  validation: { from: '2017-05-01T00:00:00Z', to: '2017-05-01T00:00:00Z', every: '7d' },
  test: { from: '2017-06-01T00:00:00Z', to: '2017-06-01T00:00:00Z', every: '7d' },
  seed: 1,
  gate: { minAuc: 0.7, maxAuc: 0.93, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
} satisfies ModelSpec;
export const alerts = {
  name: 'leaving',
  threshold: 0.8,
  rearmBelow: 0.6,
  cooldown: '14d',
  topReasons: 2,
  title: 'A customer is leaving',
  link: 'https://example.org/customers/{entity_id}?t={t}',
  reasons: [
    { of: silence, text: 'nothing bought for {value}', format: 'days' },
    { of: buys_7d, text: 'only {value} purchases in a week', format: 'number' },
  ],
  // Tests of who is told by chance say so; to all others every alert is told.
  holdOut: 0,
} satisfies AlertSpec;

export const ir = defineUseCase({
  name: 'shop',
  entity: 'customer',
  contracts: [buy],
  views: {
    buying: {
      entity: 'customer',
      features: {
        buys_7d,
        spent_28d: sum({ of: buy.amount, window: '28d' }),
        shops_28d: countDistinct({ of: buy.shop, window: '28d' }),
        last_note: last({ of: buy.note, window: 'lifetime' }),
        silence,
      },
    },
  },
  label: noEvent({ name: 'gone', of: buy, horizon: '14d' }),
  model,
  alerts,
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
