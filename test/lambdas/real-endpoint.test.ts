/**
 * The shipped bundles against endpoints of the local cloud, from the first day without a model to models that refuse, fail, hang
 * and vanish. The container is the local cloud's; the model is a stand-in that decides by its metadata only.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DescribeEndpointCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, type ModelError, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { PATIENCE, runtimeClient, SageMakerEndpoint } from '../../lambdas/shared/endpoint.ts';
import { METRIC } from '../../lib/monitoring/metric-names.ts';
import { writeSourceArchive } from '../../lib/training/source-archive.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { ENVIRONMENT, loadHandler } from './bundle.ts';
import { createTables } from './tables.ts';
import { ARRIVAL, ir, old, purchase, usecase } from './use-case.ts';

const DAY = 86_400_000;
const context = { getRemainingTimeInMillis: () => 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'tidemark-endpoint-'));
const before = { ...process.env };
const ENDPOINT = ENVIRONMENT.ENDPOINT_NAME;
const ROLE = 'arn:aws:iam::000000000000:role/hosting';

/** What inference.py answers, and no more: a response for a refusal, an exception for a fault. */
const SCRIPT = `
import json, time
from flask import Response
def model_fn(model_dir):
    with open(model_dir + "/metadata.json") as file:
        return json.load(file)
def transform_fn(model, body, content_type, accept):
    if model["does"] == "fail":
        raise RuntimeError("the model is broken")
    if model["does"] == "hang":
        time.sleep(30)
    request = json.loads(body)
    told = {"definition_hash": model["definition_hash"], "model_version": model["does"]}
    if request["definition_hash"] != model["definition_hash"]:
        return Response(json.dumps({"error": "another definition", **told}), status=409, mimetype="application/json")
    one = {"score": 0.9, "contributions": [0.1, 1.0], "bias": 0.0}
    answer = {"predictions": [one] * len(request["instances"]), **told}
    return Response(json.dumps(answer), mimetype="application/json")
`;
type Handler = Awaited<ReturnType<typeof loadHandler>>;

let cloud: LocalCloud;
let dynamo: DynamoDBClient;
let sagemaker: SageMakerClient;
let s3: S3Client;
let scorer: Handler;
let sweep: Handler;
let api: Handler;
let configs = 0;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamo = new DynamoDBClient(cloud.clientConfig);
  s3 = new S3Client(cloud.clientConfig);
  sagemaker = new SageMakerClient(cloud.clientConfig);
  await createTables(dynamo);
  await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
  await makeRole();
  const environment = {
    ...cloud.env,
    ...ENVIRONMENT,
    POWERTOOLS_METRICS_DISABLED: 'false',
    // Metrics go through this process's console, where the test reads them.
    POWERTOOLS_DEV: 'true',
    SWEEP_SEGMENTS: '2',
    JOIN_AFTER_SECONDS: '0',
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
}, 60_000);

const AT = new Date(ARRIVAL).toISOString();

afterEach(() => void jest.restoreAllMocks());

afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  for (const client of [dynamo, s3, sagemaker]) client?.destroy();
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

async function makeRole(): Promise<void> {
  const iam = new IAMClient(cloud.clientConfig);
  const trust = { Effect: 'Allow', Principal: { Service: 'sagemaker.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const grants = { Effect: 'Allow', Action: ['s3:GetObject', 'logs:*'], Resource: '*' };
  const policy = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await iam.send(new CreateRoleCommand({ RoleName: 'hosting', AssumeRolePolicyDocument: policy(trust) }));
  await iam.send(
    new PutRolePolicyCommand({ RoleName: 'hosting', PolicyName: 'grants', PolicyDocument: policy(grants) }),
  );
  iam.destroy();
}

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

const scores = async () => (await items('scores')).filter((item) => item.kind?.S === 'score');

async function fence(view: string): Promise<void> {
  const Item = { entity_id: { S: '#fence' }, view: { S: view }, ready: { BOOL: true } };
  await dynamo.send(new PutItemCommand({ TableName: 'features', Item }));
}

interface Model {
  readonly does: 'score' | 'fail' | 'hang';
  readonly definition_hash: string;
}

/** An endpoint with one fleet a model, each with the same share of the requests: as a canary, but for as long as we like. */
async function serve(endpoint: string, ...models: readonly Model[]): Promise<void> {
  const id = `c${configs++}`;
  const variants = await Promise.all(
    models.map(async (model, i) => {
      const name = `${id}-${i}`;
      const source = join(folder, name);
      mkdirSync(join(source, 'code'), { recursive: true });
      writeFileSync(join(source, 'code', 'inference.py'), SCRIPT);
      writeFileSync(join(source, 'metadata.json'), JSON.stringify(model));
      const Body = readFileSync(writeSourceArchive(source, join(folder, `${name}.tar.gz`)));
      await s3.send(new PutObjectCommand({ Bucket: 'lake', Key: `models/${name}.tar.gz`, Body }));
      const PrimaryContainer = {
        Image: 'sagemaker-xgboost:3.2-0',
        ModelDataUrl: `s3://lake/models/${name}.tar.gz`,
        Environment: { SAGEMAKER_PROGRAM: 'inference.py', SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code' },
      };
      await sagemaker.send(new CreateModelCommand({ ModelName: name, ExecutionRoleArn: ROLE, PrimaryContainer }));
      const shape = { InstanceType: 'ml.m5.large', InitialInstanceCount: 1, InitialVariantWeight: 1 } as const;
      return { VariantName: `fleet${i}`, ModelName: name, ...shape };
    }),
  );
  await sagemaker.send(new CreateEndpointConfigCommand({ EndpointConfigName: id, ProductionVariants: variants }));
  const names = { EndpointName: endpoint, EndpointConfigName: id };
  if (await status(endpoint)) await sagemaker.send(new UpdateEndpointCommand(names));
  else await sagemaker.send(new CreateEndpointCommand(names));
  for (;;) {
    const now = await status(endpoint);
    if (now === 'InService') return;
    if (now !== 'Creating' && now !== 'Updating') throw new Error(`endpoint: ${now}`);
    await sleep(100);
  }
}

async function status(endpoint: string): Promise<string | undefined> {
  return sagemaker.send(new DescribeEndpointCommand({ EndpointName: endpoint })).then(
    (answer) => answer.EndpointStatus,
    () => undefined,
  );
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
  })) as { statusCode: number };
  return answer.statusCode;
}

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
}, 60_000);

test('the first model scores, and from then on a missing endpoint is an outage', async () => {
  await serve(ENDPOINT, { does: 'score', definition_hash: OLD });
  const emitted = metrics();
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  expect((await scores()).map((item) => item.definition_hash?.S)).toEqual([OLD, OLD, OLD]);
  expect(await ask()).toBe(200);
  await sagemaker.send(new DeleteEndpointCommand({ EndpointName: ENDPOINT }));
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  await expect(sweep({ now: ARRIVAL + 2 * DAY }, context)).rejects.toThrow(/^endpoint: found none in service/);
  expect(emitted.get(METRIC.scoringAwaited)).toBeUndefined();
  expect(emitted.get(METRIC.scoreRefused)).toBe(3 + 1);
}, 60_000);

test('a changed view: the old model refuses the new definition, and goes on scoring the old one', async () => {
  await fence(usecase.view.version);
  await serve(ENDPOINT, { does: 'score', definition_hash: OLD });
  const emitted = metrics();
  const now = ARRIVAL + 3 * DAY;
  expect(await sweep({ now }, context)).toMatchObject({ scored: 3 });
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  expect(await ask()).toBe(200);
  expect(emitted.get(METRIC.scoreRefused)).toBeUndefined();
}, 60_000);

test('a canary of a model for the new definition: each fleet refuses what is for the other, and nobody stays unscored', async () => {
  await serve(ENDPOINT, { does: 'score', definition_hash: OLD }, { does: 'score', definition_hash: NEW });
  const emitted = metrics();
  const direct = await Promise.all(Array.from({ length: 40 }, () => invoke(NEW)));
  expect(new Set(direct)).toEqual(new Set([200, 409]));
  for (let day = 4; day < 16; day++) {
    expect(await sweep({ now: ARRIVAL + day * DAY }, context)).toMatchObject({ scored: 3 });
    expect(await ask()).toBe(200);
  }
  expect(emitted.get(METRIC.scoreRefused)).toBeUndefined();
}, 60_000);

test('a canary of a model that fails: the next try meets the other fleet', async () => {
  await serve(ENDPOINT, { does: 'score', definition_hash: NEW }, { does: 'fail', definition_hash: NEW });
  metrics();
  for (let day = 16; day < 28; day++) {
    expect(await sweep({ now: ARRIVAL + day * DAY }, context)).toMatchObject({ scored: 3 });
  }
}, 60_000);

test('a model that fails or hangs to the end of patience is an error of the scorer, and a 503 of the API', async () => {
  await Promise.all([
    serve(ENDPOINT, { does: 'fail', definition_hash: NEW }),
    serve('hanging', { does: 'hang', definition_hash: NEW }),
  ]);
  const emitted = metrics();
  const runtime = runtimeClient(cloud.clientConfig);
  const began = Date.now();
  const hanging = new SageMakerEndpoint(runtime, 'hanging', NEW, 0).score([[1, 2]]).catch((error: Error) => {
    return [error.name, error.message, Date.now() - began];
  });
  const failed = Promise.resolve(scorer(await images())).catch((error: Error) => [error.name, Date.now() - began]);
  expect(await ask()).toBe(503);
  const [name, message, silence] = (await hanging) as [string, string, number];
  expect([name, message]).toEqual(['ModelFailedError', 'model: no answer (TimeoutError)']);
  expect(silence).toBeGreaterThan(11_000);
  expect(silence + PATIENCE.api).toBeLessThan(27_000);
  const [error, patience] = (await failed) as [string, number];
  expect(error).toBe('ModelFailedError');
  expect(patience).toBeGreaterThan(PATIENCE.stream);
  expect(emitted.get(METRIC.scoringFailed)).toBe(3);
  runtime.destroy();
}, 90_000);
