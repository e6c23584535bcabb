/**
 * The shipped bundles against endpoints of the local cloud, from the first day without a model to models that refuse, fail, hang
 * and vanish.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { InvokeEndpointCommand, type ModelError, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { armOf } from '../../core/experiments/assignment.ts';
import { DAY } from '../../core/values/time.ts';
import { MODEL_BUDGET_MS } from '../../lambdas/api/scores.ts';
import { PATIENCE, runtimeClient, SageMakerEndpoint } from '../../lambdas/aws/endpoint.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { METRIC } from '../../names/metrics.ts';
import { EXPERIMENT } from '../engine/experiments/record.ts';
import { ARRIVAL, ir, old, purchase, usecase } from '../engine/use-case.ts';
import { ENVIRONMENT, loadHandler } from './bundle.ts';
import { Endpoints } from './endpoints.ts';
import { createTables } from './tables.ts';

const context = { getRemainingTimeInMillis: () => 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'tidemark-endpoint-'));
const before = { ...process.env };
const ENDPOINT = ENVIRONMENT.ENDPOINT_NAME;

type Handler = Awaited<ReturnType<typeof loadHandler>>;

let cloud: LocalCloud;
let dynamo: DynamoDBClient;
let endpoints: Endpoints;
let s3: S3Client;
let scorer: Handler;
let sweep: Handler;
let api: Handler;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamo = new DynamoDBClient(cloud.clientConfig);
  s3 = new S3Client(cloud.clientConfig);
  await createTables(dynamo);
  await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
  endpoints = new Endpoints(cloud, 'lake');
  await endpoints.makeRole();
  const environment = {
    ...cloud.env,
    ...ENVIRONMENT,
    POWERTOOLS_METRICS_DISABLED: 'false',
    // Metrics go through this process's console, where the test reads them.
    POWERTOOLS_DEV: 'true',
    SWEEP_SEGMENTS: '2',
    CUTOVER_AFTER_SECONDS: '0',
  };
  const load = (entry: string) => loadHandler(entry, folder, environment, { usecase: ir, previous: old.ir });
  metrics();
  const processor = await load('processor/handler.ts');
  [scorer, sweep, api] = [
    await load('scorer/handler.ts'),
    await load('sweep/handler.ts'),
    await load('api/handler.ts'),
  ];
  await processor(batch(['ann', 'bob', 'eve'].map((entity) => purchase(entity, `${entity}-1`, { available_at: AT }))));
});

const AT = new Date(ARRIVAL).toISOString();

afterEach(() => void jest.restoreAllMocks());

afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  for (const client of [dynamo, s3]) client?.destroy();
  endpoints?.close();
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function batch(events: readonly object[]) {
  return {
    Records: events.map((event, i) => ({
      eventID: `shardId-000000000000:${i + 1}`,
      kinesis: {
        sequenceNumber: String(i + 1),
        partitionKey: (event as { entity_id: string }).entity_id,
        approximateArrivalTimestamp: ARRIVAL / 1000,
        data: Buffer.from(JSON.stringify(event)).toString('base64'),
      },
    })),
  };
}

async function items(table: string) {
  return (await dynamo.send(new ScanCommand({ TableName: table, ConsistentRead: true }))).Items ?? [];
}

/** States as the table's stream delivers them: binary as base64. */
async function images() {
  const states = (await items('features')).filter((item) => item.state);
  return {
    Records: states.map(({ state, ...item }, i) => ({
      dynamodb: {
        SequenceNumber: `00${i}`,
        NewImage: { ...item, state: { B: Buffer.from(state!.B!).toString('base64') } },
      },
    })),
  };
}

async function linesBelow(Prefix: string): Promise<unknown[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix }));
  const texts = Contents.map(async ({ Key }) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'lake', Key }));
    return gunzipSync(await Body!.transformToByteArray()).toString('utf8');
  });
  return (await Promise.all(texts)).flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line));
}

const scores = async () => (await items('scores')).filter((item) => item.kind?.S === 'score');

async function fence(view: string): Promise<void> {
  const Item = { entity_id: { S: '#fence' }, view: { S: view }, ready: { BOOL: true } };
  await dynamo.send(new PutItemCommand({ TableName: 'features', Item }));
}

/** What the endpoint itself answers. */
async function invoke(definition_hash: string): Promise<number | undefined> {
  const runtime = new SageMakerRuntimeClient(cloud.clientConfig);
  const Body = JSON.stringify({ instances: [[1, 2]], definition_hash });
  try {
    await runtime.send(new InvokeEndpointCommand({ EndpointName: ENDPOINT, ContentType: 'application/json', Body }));
    return 200;
  } catch (error) {
    return (error as ModelError).OriginalStatusCode;
  } finally {
    runtime.destroy();
  }
}

async function ask() {
  const answer = (await api({
    rawPath: '/v1/score',
    requestContext: { http: { method: 'POST' }, requestId: 'r' },
    body: JSON.stringify({ entity_ids: ['ann'] }),
  })) as { statusCode: number; body: string };
  degraded = (JSON.parse(answer.body) as { degraded?: boolean }).degraded;
  return answer.statusCode;
}

/** Whether the last answer of the API was an earlier score; undefined of a refusal. */
let degraded: boolean | undefined;

/** Sums of the metrics that the functions emit from now on. */
function metrics(): Map<string, number> {
  const found = new Map<string, number>();
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  jest.spyOn(console, 'log').mockImplementation((line: unknown) => {
    const document = JSON.parse(String(line)) as Record<string, number | number[]>;
    for (const name of Object.values(METRIC)) {
      if (document[name] !== undefined)
        found.set(name, (found.get(name) ?? 0) + [document[name]].flat().reduce((a, b) => a + b));
    }
  });
  return found;
}

const NEW = usecase.view.definition_hash;
const OLD = old.view.definition_hash;

test('the first day: without history, then without a model, nothing fails and nothing is refused', async () => {
  const emitted = metrics();
  for (const waits_for of [/^fence: found none/, /^endpoint: found none in service; train a model first/]) {
    expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
    expect(await sweep({}, context)).toMatchObject({ scored: 0, waits_for: expect.stringMatching(waits_for) });
    expect(await ask()).toBe(503);
    await fence(old.view.version);
  }
  expect(await scores()).toEqual([]);
  expect(emitted.get(METRIC.scoringAwaited)).toBe(2 * 3 + 2);
  // The API's callers are refused; the alarms look at scorer and sweep.
  expect(emitted.get(METRIC.scoreRefused)).toBe(2);
});

test('the first model scores, and from then on a missing endpoint is an outage', async () => {
  await endpoints.serve(ENDPOINT, { does: 'score', definition_hash: OLD });
  const emitted = metrics();
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  expect((await scores()).map((item) => item.definition_hash?.S)).toEqual([OLD, OLD, OLD]);
  expect([await ask(), degraded]).toEqual([200, false]);
  await endpoints.remove(ENDPOINT);
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  await expect(sweep({ now: ARRIVAL + 2 * DAY }, context)).rejects.toThrow(/^endpoint: found none in service/);
  expect(emitted.get(METRIC.scoringAwaited)).toBeUndefined();
  expect(emitted.get(METRIC.scoreRefused)).toBe(3 + 1);
  // Who asks the API meanwhile gets the score of before, and is told so.
  expect([await ask(), degraded]).toEqual([200, true]);
  expect(emitted.get(METRIC.scoreRefused)).toBe(3 + 1);
  expect(emitted.get(METRIC.scoresDegraded)).toBe(1);
});

test('a changed view: the old model refuses the new definition, and goes on scoring the old one', async () => {
  await fence(usecase.view.version);
  await endpoints.serve(ENDPOINT, { does: 'score', definition_hash: OLD });
  const emitted = metrics();
  const now = ARRIVAL + 3 * DAY;
  expect(await sweep({ now }, { getRemainingTimeInMillis: () => 100 })).toMatchObject({ complete: false, scored: 0 });
  expect(emitted.get(METRIC.sweepIncomplete)).toBe(1);
  expect(await sweep({ now }, context)).toMatchObject({ complete: true, scored: 3 });
  expect(emitted.get(METRIC.sweepIncomplete)).toBe(1);
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  expect(await ask()).toBe(200);
  expect(emitted.get(METRIC.scoreRefused)).toBeUndefined();
});

test('a canary of a model for the new definition: each fleet refuses what is for the other, and nobody stays unscored', async () => {
  await endpoints.serve(ENDPOINT, { does: 'score', definition_hash: OLD }, { does: 'score', definition_hash: NEW });
  const emitted = metrics();
  const direct = await Promise.all(Array.from({ length: 40 }, () => invoke(NEW)));
  expect(new Set(direct)).toEqual(new Set([200, 409]));
  for (let day = 4; day < 16; day++) {
    expect(await sweep({ now: ARRIVAL + day * DAY }, context)).toMatchObject({ scored: 3 });
    expect(await ask()).toBe(200);
  }
  expect(emitted.get(METRIC.scoreRefused)).toBeUndefined();
});

test('a canary of a model that fails: the next try meets the other fleet', async () => {
  await endpoints.serve(ENDPOINT, { does: 'score', definition_hash: NEW }, { does: 'fail', definition_hash: NEW });
  metrics();
  for (let day = 16; day < 28; day++) {
    expect(await sweep({ now: ARRIVAL + day * DAY }, context)).toMatchObject({ scored: 3 });
  }
});

test('an experiment: each is asked of their own variant and exposed once, and the champion answers for a challenger that fails', async () => {
  const [first, second] = [
    { does: 'score', definition_hash: NEW, variant: 'champion' },
    { does: 'score', definition_hash: NEW, variant: 'challenger' },
  ] as const;
  await endpoints.serve(ENDPOINT, first, second);
  const record = { S: JSON.stringify(EXPERIMENT) };
  const Item = { entity_id: { S: '#experiment' }, kind: { S: '#running' }, record };
  await dynamo.send(new PutItemCommand({ TableName: 'scores', Item }));
  const emitted = metrics();
  const wanted = (id: string) => armOf(EXPERIMENT.experiment, 1, id);
  expect(new Set(['ann', 'bob', 'eve'].map(wanted))).toEqual(new Set(['champion', 'challenger']));
  // What functions know of experiments is a second old at most in a replay.
  await sleep(1100);
  for (let day = 28; day < 31; day++)
    expect(await sweep({ now: ARRIVAL + day * DAY }, context)).toMatchObject({ scored: 3 });
  for (const { entity_id, variant, experiment } of await scores())
    expect([variant?.S, experiment?.S]).toEqual([wanted(entity_id!.S!), 'tried']);
  const lines = (await linesBelow('archive/exposures/')) as { entity_id: string; variant: string; t: number }[];
  expect(lines.map(({ entity_id, variant }) => [entity_id, variant]).sort()).toEqual(
    ['ann', 'bob', 'eve'].map((id) => [id, wanted(id)]),
  );
  expect(new Set(lines.map(({ t }) => t))).toEqual(new Set([ARRIVAL + 28 * DAY]));
  expect([await ask(), degraded]).toEqual([200, false]);
  expect(emitted.get(METRIC.challengerFailed)).toBeUndefined();

  await endpoints.serve(ENDPOINT, first, { ...second, does: 'fail' });
  expect(await sweep({ now: ARRIVAL + 31 * DAY }, context)).toMatchObject({ scored: 3 });
  expect((await scores()).map(({ variant }) => variant?.S)).toEqual(['champion', 'champion', 'champion']);
  expect(emitted.get(METRIC.challengerFailed)).toBe(1);
  await dynamo.send(
    new DeleteItemCommand({ TableName: 'scores', Key: { entity_id: Item.entity_id, kind: Item.kind } }),
  );
  await sleep(1100);
});

test('a model that fails or hangs to the end of patience is an error of the scorer, and an earlier score of the API', async () => {
  await Promise.all([
    endpoints.serve(ENDPOINT, { does: 'fail', definition_hash: NEW }),
    endpoints.serve('hanging', { does: 'hang', definition_hash: NEW }),
  ]);
  const emitted = metrics();
  const runtime = runtimeClient(cloud.clientConfig);
  const began = Date.now();
  const hanging = new SageMakerEndpoint(runtime, 'hanging', NEW, 0).score([[1, 2]]).catch((error: Error) => {
    return [error.name, error.message, Date.now() - began];
  });
  const failed = Promise.resolve(scorer(await images())).catch((error: Error) => [error.name, Date.now() - began]);
  const asked = Date.now();
  expect([await ask(), degraded]).toEqual([200, true]);
  expect(Date.now() - asked).toBeLessThan(MODEL_BUDGET_MS + 5000);
  const [name, message, silence] = (await hanging) as [string, string, number];
  expect([name, message]).toEqual(['ModelFailedError', 'model: no answer (TimeoutError)']);
  expect(silence).toBeGreaterThan(11_000);
  expect(silence + PATIENCE.api).toBeLessThan(27_000);
  const [error, patience] = (await failed) as [string, number];
  expect(error).toBe('ModelFailedError');
  expect(patience).toBeGreaterThan(PATIENCE.stream);
  expect(emitted.get(METRIC.scoringFailed)).toBe(3);
  runtime.destroy();
});
