/** A version that is not kept up loses its fence and its cutovers, against the local cloud: so its return is a cutover. */
import {
  type AttributeValue,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DynamoCutovers } from '../../lambdas/aws/dynamo/cutovers.ts';
import { Retirement } from '../../lambdas/aws/dynamo/retirement.ts';
import { DynamoStates } from '../../lambdas/aws/dynamo/states.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { CUTOVER_KEY, FENCE_KEY } from '../../names/keys.ts';
import { usecase } from '../engine/use-case.ts';
import { createTables } from './tables.ts';

const MINUTE = 60_000;
const [S1, S2] = ['shardId-000000000000', 'shardId-000000000001'];
let cloud: LocalCloud;
let dynamo: DynamoDBClient;
let now = 1_000_000;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamo = new DynamoDBClient(cloud.clientConfig);
  await createTables(dynamo);
});

afterAll(async () => {
  dynamo?.destroy();
  await cloud?.stop();
});

const keyOf = (entity_id: string, view: string) => ({ entity_id: { S: entity_id }, view: { S: view } });

async function put(entity_id: string, view: string, rest: Record<string, AttributeValue>): Promise<void> {
  await dynamo.send(new PutItemCommand({ TableName: 'features', Item: { ...keyOf(entity_id, view), ...rest } }));
}

async function get(entity_id: string, view: string): Promise<Record<string, AttributeValue> | undefined> {
  const Key = keyOf(entity_id, view);
  return (await dynamo.send(new GetItemCommand({ TableName: 'features', Key, ConsistentRead: true }))).Item;
}

/** A version that cut over in two shards and was completed. */
async function served(view: string): Promise<void> {
  await put(FENCE_KEY, view, { ready: { BOOL: true } });
  await put(CUTOVER_KEY, view, {
    joins_at: { N: '1' },
    [S1]: { S: '50' },
    [`left#${S1}`]: { S: '49'.padStart(64, '0') },
  });
}

const functionThatKeeps = (...kept: string[]) =>
  new Retirement(dynamo, 'features', { kept, again_ms: MINUTE, now: () => now });
const cutoversOf = (view: string) =>
  new DynamoCutovers(dynamo, 'features', view, { after_ms: 2 * MINUTE, again_ms: MINUTE, now: () => now });

/** A batch of one shard, a record a minute. */
const batch = (shard_id: string, ...sequences: number[]) =>
  sequences.map((sequence, i) => ({
    shard_id,
    sequence_number: String(sequence),
    arrival_ms: now + i * MINUTE,
    partition_key: 'ann',
  }));

describe('a function that does not keep a version up', () => {
  test('retires it, and nothing else', async () => {
    await served('old@1');
    await served('kept@1');
    await put(CUTOVER_KEY, 'begun@1', { joins_at: { N: '1' } });
    await functionThatKeeps('kept@1').check();
    expect((await get(FENCE_KEY, 'old@1'))!.ready).toEqual({ BOOL: false });
    expect((await get(CUTOVER_KEY, 'old@1'))!.retired_at).toEqual({ N: String(now) });
    expect((await get(CUTOVER_KEY, 'begun@1'))!.retired_at).toEqual({ N: String(now) });
    expect((await get(FENCE_KEY, 'kept@1'))!.ready).toEqual({ BOOL: true });
    expect((await get(CUTOVER_KEY, 'kept@1'))!).not.toHaveProperty('retired_at');
  });

  test('does so at the same time as others of its kind, and once', async () => {
    await served('crowded@1');
    const first = now;
    await Promise.all(Array.from({ length: 12 }, () => functionThatKeeps('kept@1').check()));
    now += 5 * MINUTE;
    await functionThatKeeps('kept@1').check();
    expect((await get(CUTOVER_KEY, 'crowded@1'))!.retired_at).toEqual({ N: String(first) });
  });

  test('looks again after a while, and not before', async () => {
    const keeps = functionThatKeeps('kept@1');
    await keeps.check();
    await served('late@1');
    now += MINUTE - 1;
    await keeps.check();
    expect((await get(FENCE_KEY, 'late@1'))!.ready).toEqual({ BOOL: true });
    now += 1;
    await keeps.check();
    expect((await get(FENCE_KEY, 'late@1'))!.ready).toEqual({ BOOL: false });
  });

  test('applies nothing when it can not', async () => {
    await served('locked@1');
    const gone = new Retirement(dynamo, 'nowhere', { kept: [], again_ms: MINUTE, now: () => now });
    await expect(gone.check()).rejects.toThrow();
  });

  test('leaves alone what is about no version', async () => {
    await put('#erased', 'abc', { erased_at: { N: '1' } });
    await put('#clock', '#clock', { now: { N: '1' } });
    await functionThatKeeps().check();
    expect(await get('#erased', 'abc')).not.toHaveProperty('ready');
    const query = { TableName: 'features', KeyConditionExpression: 'entity_id = :k' };
    const cutovers = await dynamo.send(
      new QueryCommand({ ...query, ExpressionAttributeValues: { ':k': { S: CUTOVER_KEY } }, ConsistentRead: true }),
    );
    expect(cutovers.Items!.map(({ view }) => view!.S)).not.toContain('abc');
  });
});

describe('a version that comes back', () => {
  test('cuts nothing over, and says what it leaves, also of shards that it had cut over', async () => {
    await served('back@1');
    await functionThatKeeps('other@2').check();
    const cutovers = cutoversOf('back@1');
    for (const shard of [S1!, S2!]) {
      expect(await cutovers.positions(batch(shard, 70, 71))).toEqual({ complete: false, from: {} });
      expect((await get(CUTOVER_KEY, 'back@1'))![`left#${shard}`]).toEqual({ S: '71'.padStart(64, '0') });
    }
    const plan = { ...usecase.plan, view: { ...usecase.view, version: 'back@1' } };
    expect(await new DynamoStates(dynamo, 'features', plan).ready()).toBe(false);
  });

  test('a function that believed in its fence sees it in time', async () => {
    await served('believed@1');
    const cutovers = cutoversOf('believed@1');
    expect(await cutovers.positions(batch(S1!, 70))).toEqual({ complete: true, from: { [S1!]: '50' } });
    await functionThatKeeps('other@2').check();
    expect(await cutovers.positions(batch(S1!, 71))).toMatchObject({ complete: true });
    now += MINUTE;
    expect(await cutovers.positions(batch(S1!, 72))).toEqual({ complete: false, from: {} });
  });

  test('one that is retired between its questions does not cut over', async () => {
    await put(CUTOVER_KEY, 'between@1', { joins_at: { N: '1' } });
    const cutovers = cutoversOf('between@1');
    const send = dynamo.send.bind(dynamo);
    let asked = 0;
    dynamo.send = (async (command: Parameters<typeof send>[0]) => {
      if (asked++ === 1) await functionThatKeepsQuietly('other@2', send);
      return send(command);
    }) as typeof dynamo.send;
    try {
      expect(await cutovers.positions(batch(S1!, 70))).toEqual({ complete: false, from: {} });
    } finally {
      dynamo.send = send;
    }
    expect((await get(CUTOVER_KEY, 'between@1'))!).not.toHaveProperty(S1!);
  });
});

/** Retires by the client's own way, while that of the test is watched. */
async function functionThatKeepsQuietly(kept: string, send: typeof dynamo.send): Promise<void> {
  const watched = dynamo.send;
  dynamo.send = send;
  await functionThatKeeps(kept).check();
  dynamo.send = watched;
}
