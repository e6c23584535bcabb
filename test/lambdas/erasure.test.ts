import { CreateTableCommand, DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { subjectsOf, tombstoneOf } from '../../core/admission/tombstone.ts';
import type { ProcessorPorts } from '../../engine/ingest/batch.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { writeQuarantine } from '../../engine/ingest/quarantine.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { DynamoStates } from '../../lambdas/aws/dynamo/states.ts';
import { DynamoTombstones, putTombstone } from '../../lambdas/aws/dynamo/tombstones.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { old, purchase, RULES, record, usecase } from '../engine/use-case.ts';

let cloud: LocalCloud;
let dynamo: DynamoDBClient;
let lake: MemoryLake;
let ports: ProcessorPorts;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamo = new DynamoDBClient(cloud.clientConfig);
  const names = ['entity_id', 'view'] as const;
  await dynamo.send(
    new CreateTableCommand({
      TableName: 'features',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
      KeySchema: names.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? 'HASH' : 'RANGE' })),
    }),
  );
});

afterAll(async () => {
  dynamo?.destroy();
  await cloud?.stop();
});

beforeEach(() => {
  lake = new MemoryLake();
  ports = {
    states: new DynamoStates(dynamo, 'features', usecase.plan, tombstones()),
    tombstones: tombstones(),
    quarantine: (lines) => writeQuarantine(lake.port(), lines),
    reroute: () => Promise.reject(new Error('nothing is misrouted')),
    clock: null,
    onFailure: (error) => {
      throw error;
    },
    pause: () => Promise.resolve(),
  };
});

/** Asks each time: nobody waits here as an erasure does. */
const tombstones = () => new DynamoTombstones(dynamo, 'features', { fresh_ms: 0 });

const bury = (entity_id: string) => putTombstone(dynamo, 'features', tombstoneOf(entity_id), 0);

async function erase(entity_id: string): Promise<void> {
  await bury(entity_id);
  const Key = { entity_id: { S: entity_id }, view: { S: usecase.plan.view.version } };
  await dynamo.send(new DeleteItemCommand({ TableName: 'features', Key }));
}

const stateOf = async (entity_id: string) => (await ports.states.read([entity_id])).get(entity_id);

describe('an erased entity', () => {
  test('does not come back by a replay, and delays nobody', async () => {
    const batch = [record(purchase('ann', 'e1'), 1), record(purchase('bob', 'e2'), 2)];
    await processBatch(batch, RULES, ports);
    await erase('ann');
    for (let i = 0; i < 2; i++) {
      const later = [
        record(purchase('ann', 'e1'), 1),
        record(purchase('ann', 'e3'), 3),
        record(purchase('bob', 'e4'), 4),
      ];
      const result = await processBatch(later, RULES, ports);
      expect(result).toMatchObject({ failed: null, erased: 2 });
    }
    expect(await stateOf('ann')).toBeUndefined();
    expect((await stateOf('bob'))?.state.watermarks).toEqual({ 'shardId-000000000000': '4' });
  });

  test('does not come back by a writer that read its state before', async () => {
    await processBatch([record(purchase('cat', 'e1'), 1)], RULES, ports);
    const { states } = ports;
    let first = true;
    const slow: ProcessorPorts = {
      ...ports,
      states: {
        read: (ids) => states.read(ids),
        ready: () => states.ready(),
        write: async (...args) => {
          if (first) await erase('cat');
          first = false;
          return states.write(...args);
        },
      },
    };
    expect(await processBatch([record(purchase('cat', 'e2'), 2)], RULES, slow)).toMatchObject({
      conflicts: 1,
      erased: 1,
    });
    expect(await stateOf('cat')).toBeUndefined();
  });

  test('comes back in no version of the view', async () => {
    const previous = { plan: old.plan, states: new DynamoStates(dynamo, 'features', old.plan, tombstones()) };
    await bury('fay');
    const batch = [record(purchase('fay', 'e1'), 1), record(purchase('gus', 'e2'), 2)];
    expect(await processBatch(batch, RULES, { ...ports, previous })).toMatchObject({
      failed: null,
      erased: 1,
      written: 2,
    });
    for (const { states } of [ports, previous])
      expect([...(await states.read(['fay', 'gus'])).keys()]).toEqual(['gus']);
  });

  test('is not kept as a refused record, whoever sent it', async () => {
    await bury('dan');
    const raw = JSON.stringify(purchase('dan', 'e1'));
    const batch = [
      record('{', 1, { key: 'dan' }),
      record(raw.slice(0, -1), 2, { key: 'somebody' }),
      record('{', 3, { key: 'eve' }),
    ];
    const result = await processBatch(batch, RULES, ports);
    expect(result).toMatchObject({ failed: null, erased: 2, quarantined: new Map([['MALFORMED_JSON', 1]]) });
    expect([...lake.objects.values()].flat()).toMatchObject([{ partition_key: 'eve' }]);
  });
});

test.each([
  ['{"entity_id" : "a\\u0062"', ['k', 'ab']],
  ['{"entity_id":7}', ['k']],
  ['"entity_id":"\\x"', ['k']],
  ['"entity_id"\t\r\n:\n"ab"', ['k', 'ab']],
  ['"entity_id"\u00a0:"ab"', ['k']],
  ['"entity_id":"\\\r "entity_id":"ab"', ['k', 'ab']],
  ['"entity_id":"\\\u2028 "entity_id":"ab"', ['k']],
])('whom %j names', (raw, found) => {
  expect(subjectsOf('k', Buffer.from(raw))).toEqual(found);
});
