/** A changed view beside the released one: the shipped bundles against the local cloud, until the new one scores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { admit } from '../../core/admission/admit.ts';
import { encodeState } from '../../core/state/codec.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { DAY } from '../../core/values/time.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { ARRIVAL, ir, old, purchase, RULES, record, usecase } from '../engine/use-case.ts';
import { ENVIRONMENT, loadHandler, ModelEndpoint } from './bundle.ts';
import { createTables } from './tables.ts';

const SHARD = 'shardId-000000000000';
const context = { getRemainingTimeInMillis: () => 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'tidemark-versions-'));
const before = { ...process.env };

const current = usecase;
const [NEW, OLD] = [current.view.version, old.view.version];
const model = new ModelEndpoint(old.view.definition_hash);

let cloud: LocalCloud;
let dynamo: DynamoDBClient;
let s3: S3Client;
type Handler = Awaited<ReturnType<typeof loadHandler>>;
let processor: Handler;
let load: (entry: string) => Promise<Handler>;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamo = new DynamoDBClient(cloud.clientConfig);
  s3 = new S3Client(cloud.clientConfig);
  await createTables(dynamo);
  await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const environment = {
    ...cloud.env,
    ...ENVIRONMENT,
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: await model.start(),
    SWEEP_SEGMENTS: '2',
    CUTOVER_AFTER_SECONDS: '1',
  };
  let loads = 0;
  load = (entry) => loadHandler(entry, join(folder, `${loads++}`), environment, { usecase: ir, previous: old.ir });
  processor = await load('processor/handler.ts');
  await fence(OLD);
});

afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  dynamo?.destroy();
  s3?.destroy();
  await model.stop();
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As after a cold start: they remember nothing of what the model accepted. */
async function functions(): Promise<[api: Handler, scorer: Handler, sweep: Handler]> {
  return [await load('api/handler.ts'), await load('scorer/handler.ts'), await load('sweep/handler.ts')];
}

async function fence(view: string): Promise<void> {
  const Item = { entity_id: { S: '#fence' }, view: { S: view }, ready: { BOOL: true } };
  await dynamo.send(new PutItemCommand({ TableName: 'features', Item }));
}

/** One batch, as Lambda delivers it. @param arrival ms UTC */
async function deliver(from: number, arrival: number, ...events: object[]): Promise<void> {
  const Records = events.map((event, i) => ({
    eventID: `${SHARD}:${from + i}`,
    kinesis: {
      sequenceNumber: String(from + i),
      partitionKey: (event as { entity_id: string }).entity_id,
      approximateArrivalTimestamp: arrival / 1000,
      data: Buffer.from(JSON.stringify(event)).toString('base64'),
    },
  }));
  expect(await processor({ Records })).toEqual({ batchItemFailures: [] });
}

const items = async (table: string) =>
  (await dynamo.send(new ScanCommand({ TableName: table, ConsistentRead: true }))).Items ?? [];

/** States as the table's stream delivers them. */
async function images() {
  const text = ({ B }: AttributeValue) => ({ B: Buffer.from(B!).toString('base64') });
  const states = (await items('features')).filter((item) => item.state);
  return {
    Records: states.map(({ state, base, ...item }) => ({
      dynamodb: { NewImage: { ...item, state: text(state!), ...(base && { base: text(base) }) } },
    })),
  };
}

/** The entities that were scored since the last call, each with the definition hash. */
async function scored(): Promise<Record<string, string | undefined>> {
  const found = (await items('scores')).filter((item) => item.kind!.S === 'score');
  for (const { entity_id, kind } of await items('scores'))
    await dynamo.send(new DeleteItemCommand({ TableName: 'scores', Key: { entity_id: entity_id!, kind: kind! } }));
  return Object.fromEntries(found.map((item) => [item.entity_id!.S!, item.definition_hash!.S]));
}

async function ask(api: Handler, path: string, ...entity_ids: string[]) {
  const request = { rawPath: path, requestContext: { http: { method: 'POST' }, requestId: 'r' } };
  const answer = (await api({ ...request, body: JSON.stringify({ entity_ids }) })) as {
    statusCode: number;
    body: string;
  };
  return {
    status: answer.statusCode,
    body: JSON.parse(answer.body) as { view: string; entities: { features: object }[] },
  };
}

const events = ['ann', 'bob'].map((entity, i) =>
  purchase(entity, `e${i}`, { available_at: new Date(ARRIVAL).toISOString() }),
);
const later = events.map((event, i) => ({ ...event, event_id: `f${i}` }));
/** States of the new version that were written before its backfill. */
let early: Awaited<ReturnType<typeof images>>;

test('the processor keeps both versions, and refuses a copy once', async () => {
  await deliver(1, Date.now(), ...events);
  const cutover = Date.now() + 60_000;
  await deliver(3, cutover, ...later, { ...later[0]! });
  const states = (await items('features')).filter((item) => item.state);
  const whole = states.map(({ entity_id, view, joined }) => `${entity_id!.S} ${view!.S} ${joined?.BOOL === true}`);
  expect(whole.sort()).toEqual([`ann ${NEW} false`, `ann ${OLD} true`, `bob ${NEW} false`, `bob ${OLD} true`].sort());
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix: 'archive/quarantine/' }));
  expect(Contents).toHaveLength(1);
  early = await images();
});

test('before the fence of the new version nothing of it is served, although the model is for it', async () => {
  model.definition_hash = current.view.definition_hash;
  const [api, scorer, sweep] = await functions();
  expect(await ask(api, '/v1/features', 'ann')).toMatchObject({ status: 200, body: { view: OLD } });
  expect(await ask(api, '/v1/score', 'ann')).toMatchObject({ status: 409 });
  await scorer(await images());
  await expect(sweep({}, context)).rejects.toThrow(/another definition/);
  expect(await scored()).toEqual({});
  model.definition_hash = old.view.definition_hash;
  expect(await ask(api, '/v1/score', 'ann')).toMatchObject({ status: 200, body: { view: OLD } });
  await scorer(await images());
  expect(await scored()).toEqual({ ann: old.view.definition_hash, bob: old.view.definition_hash });
  expect(await sweep({ now: ARRIVAL + 2 * DAY }, context)).toMatchObject({ looked_at: 2, scored: 2 });
  expect(await scored()).toEqual({ ann: old.view.definition_hash, bob: old.view.definition_hash });
});

/** As the backfill does it: what came before the join is put beside each state, then the fence. */
async function backfill(): Promise<void> {
  for (const [i, event] of events.entries()) {
    const { data, position } = record(event, i + 1);
    const admitted = admit(data, position, RULES.contracts, { ...RULES.admit, replay: true });
    if (!admitted.ok) throw new Error(admitted.detail);
    const { state } = applyEvents(current.plan, emptyState(current.plan), [admitted.event]);
    await dynamo.send(
      new UpdateItemCommand({
        TableName: 'features',
        Key: { entity_id: { S: position.partition_key }, view: { S: NEW } },
        UpdateExpression: 'SET #base = :base, base_watermarks = :watermarks, #version = #version + :one',
        ConditionExpression: 'attribute_exists(entity_id)',
        ExpressionAttributeNames: { '#base': 'base', '#version': 'version' },
        ExpressionAttributeValues: {
          ':base': { B: encodeState(current.plan, state) },
          ':watermarks': { M: { [SHARD]: { S: '2' } } },
          ':one': { N: '1' },
        },
      }),
    );
  }
  await fence(NEW);
}

test('behind the fence features are of the new version, and scores of the one that the model is for', async () => {
  await backfill();
  const [api, scorer, sweep] = await functions();
  const features = await ask(api, '/v1/features', 'ann', 'nobody');
  expect(features.body.view).toBe(NEW);
  expect(features.body.entities).toMatchObject([{ features: { buys_7d: 2, spent_28d: 200 } }, { status: 'missing' }]);
  const scores = await ask(api, '/v1/score', 'ann');
  expect(scores).toMatchObject({
    status: 200,
    body: { view: OLD, entities: [{ score: 0.9, features: { buys_7d: 2 } }] },
  });
  expect(scores.body.entities[0]!.features).not.toHaveProperty('spent_28d');
  await scorer(await images());
  expect(await scored()).toEqual({ ann: old.view.definition_hash, bob: old.view.definition_hash });
  expect(await sweep({ now: ARRIVAL + 2 * DAY }, context)).toMatchObject({ looked_at: 2, scored: 2 });
  expect(await scored()).toEqual({ ann: old.view.definition_hash, bob: old.view.definition_hash });
});

test('with its model the new version scores; an image from before the fence is read again', async () => {
  model.definition_hash = current.view.definition_hash;
  const [api, scorer, sweep] = await functions();
  expect(await ask(api, '/v1/score', 'ann')).toMatchObject({ status: 200, body: { view: NEW } });
  const seen = model.inputs.length;
  await scorer(early);
  // Two purchases, of which the image has one.
  expect(model.inputs.slice(seen).map(([buys]) => buys)).toEqual([2, 2]);
  expect(await scored()).toEqual({ ann: current.view.definition_hash, bob: current.view.definition_hash });
  await scorer(await images());
  expect(Object.keys(await scored())).toEqual(['ann', 'bob']);
  expect(await sweep({ now: ARRIVAL + 2 * DAY }, context)).toMatchObject({ looked_at: 2, scored: 2 });
  expect(await scored()).toEqual({ ann: current.view.definition_hash, bob: current.view.definition_hash });
});

test('a model of neither version is refused, and nothing is stored', async () => {
  model.definition_hash = 'another';
  const [api, scorer, sweep] = await functions();
  expect(await ask(api, '/v1/score', 'ann')).toMatchObject({ status: 409 });
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  await expect(sweep({ now: ARRIVAL + 2 * DAY }, context)).rejects.toThrow(/another definition/);
  expect(await scored()).toEqual({});
});
