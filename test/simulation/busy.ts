/** A view with every aggregation over short, long and unbounded windows, and records of it under load. */

import { compileContracts } from '../../core/admission/admit.ts';
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
  series,
  sum,
  timeSinceFirst,
  timeSinceLast,
  variance,
} from '../../core/definition/define.ts';
import type { BatchResult, ProcessorRules } from '../../engine/ingest/batch.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { type QuarantineLine, writeQuarantine } from '../../engine/ingest/quarantine.ts';
import { type Call, Faults } from '../../engine/memory/faults.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { JsonLinesSink } from '../../engine/ports.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { compileUseCase } from '../../engine/use-case.ts';

const buy = contract('buy', 1, {
  eventTime: 'epoch_ms',
  fields: {
    amount: field.decimal(2, { min: 0, max: 1_000_000 }),
    shop: field.enum(['a', 'b', 'c', 'd']),
    item: field.string({ maxLength: 32 }),
  },
});
const refund = contract('refund', 1, {
  eventTime: 'epoch_ms',
  fields: { buy_id: field.string() },
  retracts: ({ buy_id }) => ({ of: buy, id: buy_id }),
});

const ir = defineUseCase({
  name: 'busy',
  entity: 'customer',
  contracts: [buy, refund],
  views: {
    busy: {
      entity: 'customer',
      features: {
        buys_1h: count({ of: buy, window: '1h' }),
        buys_7d: count({ of: buy, window: '7d' }),
        buys_90d: count({ of: buy, window: '90d' }),
        weekly: series(count({ of: buy, window: '7d' }), 12),
        buys: count({ of: buy, window: 'lifetime' }),
        spent_24h: sum({ of: buy.amount, window: '24h' }),
        spent_90d: sum({ of: buy.amount, window: '90d' }),
        spent: sum({ of: buy.amount, window: 'lifetime' }),
        mean_7d: mean({ of: buy.amount, window: '7d' }),
        spread_28d: variance({ of: buy.amount, window: '28d' }),
        least_24h: min({ of: buy.amount, window: '24h' }),
        most: max({ of: buy.amount, window: 'lifetime' }),
        first_item: first({ of: buy.item, window: 'lifetime' }),
        last_item: last({ of: buy.item, window: 'lifetime', where: buy.shop.eq('a') }),
        last_items: lastK({ of: buy.item, window: '7d', k: 5 }),
        items_7d: countDistinct({ of: buy.item, window: '7d', cap: 32 }),
        items: countDistinct({ of: buy.item, window: 'lifetime', cap: 256 }),
        shops_28d: histogram({ of: buy.shop, window: '28d', k: 2 }),
        silence: timeSinceLast({ of: buy, window: 'lifetime' }),
        known_for: timeSinceFirst({ of: buy, window: 'lifetime' }),
      },
    },
  },
});

export const busy = compileUseCase(ir);
const rules: ProcessorRules = {
  contracts: compileContracts(ir.contracts),
  plan: busy.plan,
  admit: { replay: false, available_lag_ms: 0, max_bytes: 256 * 1024 },
};

/** A processor over stores in memory that counts what it asks of them. */
export class Processor {
  readonly states = new MemoryStates(busy.plan);
  readonly calls: Record<Call, number> = { read: 0, write: 0, put: 0 };
  private readonly sink: JsonLinesSink;
  private readonly faults = new Faults((call) => {
    this.calls[call]++;
    return 'none';
  });

  /** @param sink of the quarantine. @default - everything is kept */
  constructor(sink?: (lines: readonly QuarantineLine[]) => void) {
    this.sink = sink ? { put: async (_, lines) => sink(lines as QuarantineLine[]) } : new MemoryLake().port();
  }

  run(batch: readonly StreamRecord[]): Promise<BatchResult> {
    return processBatch(batch, rules, {
      states: this.states.port(this.faults),
      quarantine: (lines) => {
        this.calls.put++;
        return writeQuarantine(this.sink, lines);
      },
      reroute: () => Promise.reject(new Error('nothing is misrouted here')),
      clock: null,
      onFailure: (error) => {
        throw error;
      },
    });
  }

  bytesOf(entity: string): number {
    return this.states.rows.get(entity)!.bytes.length;
  }
}

/** Records in the order of one shard. */
export class Shard {
  private sequence = 10n ** 55n;

  record(partition_key: string, arrival_ms: number, event: object): StreamRecord {
    this.sequence += 7n;
    const sequence_number = String(this.sequence);
    return {
      position: { shard_id: 'shardId-000000000000', sequence_number, arrival_ms, partition_key },
      data: Buffer.from(JSON.stringify({ source: 'till', schema_version: 1, ...event }), 'utf8'),
    };
  }

  /** The n-th purchase of an entity: two minor units more each time, of many items and four shops. */
  buy(entity_id: string, n: number, arrival_ms: number, over: object = {}): StreamRecord {
    return this.record(entity_id, arrival_ms, {
      event_id: `${entity_id}-${n}`,
      entity_id,
      event_type: 'buy',
      event_time: arrival_ms,
      properties: { amount: `${n % 1000}.25`, shop: 'abcd'[n % 4], item: `item-${n % 5000}` },
      ...over,
    });
  }

  refund(entity_id: string, n: number, arrival_ms: number): StreamRecord {
    return this.record(entity_id, arrival_ms, {
      event_id: `${entity_id}-${n}-back`,
      entity_id,
      event_type: 'refund',
      event_time: arrival_ms,
      properties: { buy_id: `${entity_id}-${n}` },
    });
  }
}
