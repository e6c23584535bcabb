/** The AWS adapters against the local cloud: conditions, transactions and leases as the services keep them. */
import { gunzipSync } from 'node:zlib';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { RecentIds } from '../../core/state/recent-ids.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { ScoreRefusedError } from '../../engine/ports.ts';
import { batchGet } from '../../lambdas/aws/dynamo/batch-get.ts';
import { DynamoReplayClock } from '../../lambdas/aws/dynamo/replay-clock.ts';
import { DynamoScores } from '../../lambdas/aws/dynamo/scores.ts';
import { DynamoStates } from '../../lambdas/aws/dynamo/states.ts';
import { PATIENCE, SageMakerEndpoint } from '../../lambdas/aws/endpoint.ts';
import { LakeSink } from '../../lambdas/aws/lake.ts';
import { DynamoOutbox } from '../../lambdas/notifier/outbox.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { alertKind, FENCE_KEY } from '../../names/keys.ts';
import { MAX_STATE_BYTES } from '../../names/limits.ts';
import { alert, scoreRecord, scoreStoreCases, stateAfter, stateStoreCases } from '../engine/store-cases.ts';
import { ARRIVAL, purchase, RULES, record, usecase } from '../engine/use-case.ts';
import { createTables } from './tables.ts';

const { plan, view } = usecase;
let cloud: LocalCloud;
let dynamo: DynamoDBClient;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamo = new DynamoDBClient(cloud.clientConfig);
  await createTables(dynamo);
});

afterAll(async () => {
  dynamo?.destroy();
  await cloud?.stop();
});

describe('states', () => {
  const states = () => new DynamoStates(dynamo, 'features', plan);
  stateStoreCases(states);

  test('an item has its times, and the bytes of the codec', async () => {
    const state = stateAfter(1, 2);
    await states().write('round', state, null);
    const { Item } = await dynamo.send(
      new GetItemCommand({ TableName: 'features', Key: { entity_id: { S: 'round' }, view: { S: view.version } } }),
    );
    expect(Item?.newest_available_at?.N).toBe(String(ARRIVAL + 2));
    const watermarks = { 'shardId-000000000000': '2' };
    expect(encodeState(plan, decodeState(plan, Item!.state!.B!, watermarks))).toEqual(encodeState(plan, state));
  });

  test('a state beyond the limit of an item is refused by name before it is sent', async () => {
    const state = stateAfter(1);
    const ids = Array.from({ length: MAX_STATE_BYTES / 7 }, (_, i) => ({ available_at: ARRIVAL, hash: i }));
    const recent = RecentIds.of(ids.reverse());
    await expect(states().write('large', { ...state, recent }, null)).rejects.toMatchObject({
      name: 'StateTooLargeError',
    });
  });

  test.each([
    [64, 'a number'],
    [500, 'a number'],
    [5500, 'StateTooLargeError'],
  ])('the watermarks of %i shards count towards the limit: %s', async (shards, outcome) => {
    const watermarks = Array.from({ length: shards }, (_, i) => [
      `shardId-${String(i).padStart(12, '0')}`,
      '4'.repeat(56),
    ]);
    const state = { ...stateAfter(1), watermarks: Object.fromEntries(watermarks) };
    const written = states().write(`shards-${shards}`, state, null);
    await expect(
      written.then(
        () => 'a number',
        (error: Error) => error.name,
      ),
    ).resolves.toBe(outcome);
  });

  test('more keys than one request takes are read in parts', async () => {
    const keys = Array.from({ length: 230 }, (_, i) => ({ entity_id: { S: `k${i}` }, view: { S: view.version } }));
    await Promise.all(
      keys.map((key) =>
        dynamo.send(new PutItemCommand({ TableName: 'features', Item: { ...key, other: { N: '1' } } })),
      ),
    );
    expect(await batchGet(dynamo, 'features', keys)).toHaveLength(230);
  });

  test('a view serves only behind its fence', async () => {
    expect(await states().ready()).toBe(false);
    const Item = { entity_id: { S: FENCE_KEY }, view: { S: view.version }, ready: { BOOL: true } };
    await dynamo.send(new PutItemCommand({ TableName: 'features', Item }));
    expect(await states().ready()).toBe(true);
  });

  test('two batches of two shards end as if they had come one after the other', async () => {
    const ports = {
      states: states(),
      quarantine: () => Promise.reject(new Error('nothing is refused')),
      reroute: () => Promise.reject(new Error('nothing is misrouted')),
      clock: new DynamoReplayClock(dynamo, 'features'),
      onFailure: () => {},
    };
    const shard = (n: number) =>
      Array.from({ length: 8 }, (_, i) => record(purchase(`c${i % 2}`, `s${n}-${i}`), 10 + i, { shard: `shard-${n}` }));
    const results = await Promise.all([processBatch(shard(1), RULES, ports), processBatch(shard(2), RULES, ports)]);
    expect(results.map((result) => result.failed)).toEqual([null, null]);
    const stored = await ports.states.read(['c0', 'c1']);
    expect(stored.get('c0')?.state.watermarks).toEqual({ 'shard-1': '16', 'shard-2': '16' });
    expect(stored.get('c1')?.state.recent.size).toBe(8);
  });

  test('the clock of a replay never goes back', async () => {
    const clock = new DynamoReplayClock(dynamo, 'features');
    await clock.advance(ARRIVAL + 5000);
    await clock.advance(ARRIVAL + 4000);
    expect(await clock.read()).toBe(ARRIVAL + 5000);
  });
});

describe('scores and their outbox', () => {
  scoreStoreCases(() => new DynamoScores(dynamo, 'scores', 400));

  test('an alert that is written waits, and one that is not leaves nothing', async () => {
    const scores = new DynamoScores(dynamo, 'scores', 400);
    await scores.write(scoreRecord('cid', 1000), null, alert);
    await scores.write(scoreRecord('cid', 2000), null, alert);
    const key = (t: number) => ({ entity_id: { S: 'cid' }, kind: { S: alertKind(t) } });
    const pending = await dynamo.send(new GetItemCommand({ TableName: 'scores', Key: key(1000) }));
    expect(pending.Item).toMatchObject({ status: { S: 'pending' }, trigger: { S: 'sweep' }, score: { N: '0.91' } });
    expect((await dynamo.send(new GetItemCommand({ TableName: 'scores', Key: key(2000) }))).Item).toBeUndefined();
  });

  test('an alert is claimed once, again after its lease or its release, and never after it was sent', async () => {
    await new DynamoScores(dynamo, 'scores', 400).write(scoreRecord('bob', 7), null, alert);
    const outbox = new DynamoOutbox(dynamo, 'scores');
    const key = { entity_id: 'bob', kind: alertKind(7) };
    const now = Date.now();
    const claims = await Promise.all([outbox.claim(key, now), outbox.claim(key, now)]);
    expect(claims.filter((claim) => claim === 'taken')).toHaveLength(1);
    expect(claims.find((claim) => claim !== 'taken')).toMatchObject({
      alert_id: 'id',
      entity_id: 'bob',
      score: 0.91,
      t: 7,
    });
    await outbox.release(key);
    expect(await outbox.claim(key, now)).toMatchObject({ alert_id: 'id' });
    expect(await outbox.claim(key, now + 59_000)).toBe('taken');
    expect(await outbox.claim(key, now + 61_000)).toMatchObject({ alert_id: 'id' });
    await outbox.markSent(key, now);
    expect(await outbox.claim(key, now + 3_600_000)).toBe('sent');
    expect(await outbox.claim({ entity_id: 'bob', kind: 'alert#8' }, now)).toBe('gone');
  });
});

test('lines are gzipped, one JSON document each, and a repeat overwrites', async () => {
  const s3 = new S3Client(cloud.clientConfig);
  await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const lake = new LakeSink(s3, 'lake');
  await lake.put('archive/x.ndjson.gz', [{ a: 1 }]);
  await lake.put('archive/x.ndjson.gz', [{ a: 'é' }, { b: null }]);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'lake', Key: 'archive/x.ndjson.gz' }));
  expect(gunzipSync(await Body!.transformToByteArray()).toString('utf8')).toBe('{"a":"é"}\n{"b":null}\n');
  s3.destroy();
});

test('without an endpoint a score is refused, not failed', async () => {
  const client = new SageMakerRuntimeClient(cloud.clientConfig);
  const endpoint = new SageMakerEndpoint(client, 'tidemark-none', view.definition_hash, PATIENCE.api);
  const refused = await endpoint.score([[1, 2]]).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ScoreRefusedError);
  expect(refused).toMatchObject({ kind: 'not_ready' });
  client.destroy();
});
