/**
 * A changed view beside the released one: the shipped bundles against the local cloud, until the new one scores; once with an
 * endpoint and once with the model in the functions themselves.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { admit } from '../../core/admission/admit.ts';
import { encodeState } from '../../core/state/codec.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { DAY } from '../../core/values/time.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { ARRIVAL, ir, old, purchase, RULES, record, usecase } from '../engine/use-case.ts';
import { ENVIRONMENT, loadHandler, ModelEndpoint } from './bundle.ts';
import { packageOf, packModel } from './model-archive.ts';
import { createTables } from './tables.ts';

const SHARD = 'shardId-000000000000';
const context = { getRemainingTimeInMillis: () => 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'tidemark-versions-'));
const before = { ...process.env };

const current = usecase;
const [NEW, OLD] = [current.view.version, old.view.version];
const [NEW_HASH, OLD_HASH] = [current.view.definition_hash, old.view.definition_hash];

/** Where the model is, and how another one gets there. */
interface Mode {
  readonly name: string;
  readonly environment: () => Promise<Readonly<Record<string, string>>>;
  deploy(definition_hash: string): Promise<void>;
  /** Whether functions that run already see it at once. */
  readonly at_once: boolean;
}

const endpoint = new ModelEndpoint('none');
let address: Promise<string> | undefined;
const MODES: readonly Mode[] = [
  {
    name: 'with an endpoint',
    environment: async () => {
      address ??= endpoint.start();
      return { AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: await address };
    },
    deploy: async (definition_hash) => {
      endpoint.definition_hash = definition_hash;
    },
    at_once: true,
  },
  {
    name: 'in the functions',
    environment: async () => ({}),
    deploy: async (definition_hash) => {
      const packed = await packModel({ inputs: ['buys_7d', 'silence'], definition_hash, leaves: [LOGIT, LOGIT] });
      await put(`models/${packed.model_version}/model.tar.gz`, packed.archive);
      const champion = packageOf(packed, `s3://lake/models/${packed.model_version}/model.tar.gz`);
      const { package_arn: model_package_arn, ...rest } = champion;
      const deployed = await (await load('in-process/handler.ts'))({ wanted: 'champion', model_package_arn, ...rest });
      const known = [NEW_HASH, OLD_HASH].includes(definition_hash);
      expect(deployed).toEqual(
        known
          ? { refusal: '', packages: { champion } }
          : { refusal: expect.stringMatching(/^The model was trained on another, and deployed is/), packages: null },
      );
      // What nobody deployed, but somebody wrote there: the functions look again.
      if (!known) await put('serving/tiny.json', JSON.stringify({ packages: { champion }, deployed_at: 'now' }));
    },
    at_once: false,
  },
];
/** Log-odds of 0.9. */
const LOGIT = Math.log(9);

const put = (Key: string, Body: Buffer | string) => s3.send(new PutObjectCommand({ Bucket: 'lake', Key, Body }));

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
});

afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  dynamo?.destroy();
  s3?.destroy();
  if (address) await endpoint.stop();
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let loads = 0;

/** Nothing is left of the other mode. */
async function begin({ environment: of }: Mode): Promise<void> {
  for (const [table, sort] of [
    ['features', 'view'],
    ['scores', 'kind'],
  ] as const)
    for (const item of await items(table))
      await dynamo.send(
        new DeleteItemCommand({ TableName: table, Key: { entity_id: item.entity_id!, [sort]: item[sort]! } }),
      );
  for (const Key of await keys('')) await s3.send(new DeleteObjectCommand({ Bucket: 'lake', Key }));
  const { ENDPOINT_NAME, ...others } = ENVIRONMENT;
  const own = await of();
  delete process.env.ENDPOINT_NAME;
  const named: Record<string, string> = 'AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME' in own ? { ENDPOINT_NAME } : {};
  const more = { SWEEP_SEGMENTS: '2', CUTOVER_AFTER_SECONDS: '1' };
  const environment = { ...cloud.env, ...others, ...own, ...named, ...more };
  load = (entry) => loadHandler(entry, join(folder, `${loads++}`), environment, { usecase: ir, previous: old.ir });
  processor = await load('processor/handler.ts');
  await fence(OLD);
}

async function keys(Prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix }));
  return Contents.map(({ Key }) => Key!);
}

/** Purchases of a week in the vectors that were served since these objects were there, in order. */
async function servedSince(before: readonly string[]): Promise<unknown[]> {
  const fresh = (await keys('archive/predictions/')).filter((key) => !before.includes(key));
  const texts = await Promise.all(
    fresh.map(async (Key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'lake', Key }));
      return gunzipSync(await Body!.transformToByteArray()).toString('utf8');
    }),
  );
  const lines = texts.flatMap((text) => text.trim().split('\n'));
  return lines.map((line) => (JSON.parse(line) as { inputs: number[] }).inputs[0]);
}

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

describe.each(MODES)('$name', (mode) => {
  beforeAll(() => begin(mode));

  test('the processor keeps both versions, and refuses a copy once', async () => {
    await deliver(1, Date.now(), ...events);
    const cutover = Date.now() + 60_000;
    await deliver(3, cutover, ...later, { ...later[0]! });
    const states = (await items('features')).filter((item) => item.state);
    const whole = states.map(({ entity_id, view, joined }) => `${entity_id!.S} ${view!.S} ${joined?.BOOL === true}`);
    expect(whole.sort()).toEqual([`ann ${NEW} false`, `ann ${OLD} true`, `bob ${NEW} false`, `bob ${OLD} true`].sort());
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: 'lake', Prefix: 'archive/quarantine/' }),
    );
    expect(Contents).toHaveLength(1);
    early = await images();
  });

  test('before the fence of the new version nothing of it is served, although the model is for it', async () => {
    await mode.deploy(current.view.definition_hash);
    let [api, scorer, sweep] = await functions();
    expect(await ask(api, '/v1/features', 'ann')).toMatchObject({ status: 200, body: { view: OLD } });
    expect(await ask(api, '/v1/score', 'ann')).toMatchObject({ status: 409 });
    await scorer(await images());
    await expect(sweep({}, context)).rejects.toThrow(/another definition/);
    expect(await scored()).toEqual({});
    await mode.deploy(old.view.definition_hash);
    if (!mode.at_once) [api, scorer, sweep] = await functions();
    expect(await ask(api, '/v1/score', 'ann')).toMatchObject({ status: 200, body: { view: OLD } });
    await scorer(await images());
    expect(await scored()).toEqual({ ann: old.view.definition_hash, bob: old.view.definition_hash });
    expect(await sweep({ now: ARRIVAL + 2 * DAY }, context)).toMatchObject({ looked_at: 2, scored: 2 });
    expect(await scored()).toEqual({ ann: old.view.definition_hash, bob: old.view.definition_hash });
  });

  test('behind the fence features are of the new version, and scores of the one that the model is for', async () => {
    await backfill();
    const [api, scorer, sweep] = await functions();
    const features = await ask(api, '/v1/features', 'ann', 'nobody');
    expect(features.body.view).toBe(NEW);
    expect(features.body.entities).toMatchObject([{ features: { buys_7d: 2, spent_28d: 200 } }, { status: 'missing' }]);
    const scores = await ask(api, '/v1/score', 'ann');
    expect(scores).toMatchObject({
      status: 200,
      body: { view: OLD, entities: [{ score: expect.closeTo(0.9, 6), features: { buys_7d: 2 } }] },
    });
    expect(scores.body.entities[0]!.features).not.toHaveProperty('spent_28d');
    await scorer(await images());
    expect(await scored()).toEqual({ ann: old.view.definition_hash, bob: old.view.definition_hash });
    expect(await sweep({ now: ARRIVAL + 2 * DAY }, context)).toMatchObject({ looked_at: 2, scored: 2 });
    expect(await scored()).toEqual({ ann: old.view.definition_hash, bob: old.view.definition_hash });
  });

  test('with its model the new version scores; an image from before the fence is read again', async () => {
    await mode.deploy(current.view.definition_hash);
    const [api, scorer, sweep] = await functions();
    expect(await ask(api, '/v1/score', 'ann')).toMatchObject({ status: 200, body: { view: NEW } });
    const seen = await keys('archive/predictions/');
    await scorer(early);
    // Two purchases, of which the image has one.
    expect(await servedSince(seen)).toEqual([2, 2]);
    expect(await scored()).toEqual({ ann: current.view.definition_hash, bob: current.view.definition_hash });
    await scorer(await images());
    expect(Object.keys(await scored())).toEqual(['ann', 'bob']);
    expect(await sweep({ now: ARRIVAL + 2 * DAY }, context)).toMatchObject({ looked_at: 2, scored: 2 });
    expect(await scored()).toEqual({ ann: current.view.definition_hash, bob: current.view.definition_hash });
  });

  test('a model of neither version is refused, and nothing is stored', async () => {
    await mode.deploy('another');
    const [api, scorer, sweep] = await functions();
    expect(await ask(api, '/v1/score', 'ann')).toMatchObject({ status: 409 });
    expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
    await expect(sweep({ now: ARRIVAL + 2 * DAY }, context)).rejects.toThrow(/another definition/);
    expect(await scored()).toEqual({});
  });
});
