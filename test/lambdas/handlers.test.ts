/** The shipped bundles against the local cloud, from a batch of the stream to an alert and an answer of the API. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DAY } from '../../core/values/time.ts';
import { featuresAnswer, scoreAnswer } from '../../lambdas/api/answers.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { ARRIVAL, purchase, usecase } from '../engine/use-case.ts';
import { ENVIRONMENT, loadHandler, ModelEndpoint } from './bundle.ts';
import { createTables } from './tables.ts';

const CUSTOMERS = 240;
const context = { getRemainingTimeInMillis: () => 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'tidemark-bundles-'));
const before = { ...process.env };
const model = new ModelEndpoint(usecase.view.definition_hash);

let cloud: LocalCloud;
let dynamo: DynamoDBClient;
let s3: S3Client;
type Handler = Awaited<ReturnType<typeof loadHandler>>;
let processor: Handler;
let archiver: Handler;
let scorer: Handler;
let sweep: Handler;
let api: Handler;

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
    SWEEP_SEGMENTS: '3',
    CUTOVER_AFTER_SECONDS: '0',
  };
  const load = (entry: string) => loadHandler(entry, folder, environment);
  processor = await load('processor/handler.ts');
  archiver = await load('archiver/handler.ts');
  scorer = await load('scorer/handler.ts');
  sweep = await load('sweep/handler.ts');
  api = await load('api/handler.ts');
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

/** A batch as Lambda delivers it. */
function batch(data: readonly (object | string)[], from = 1) {
  return {
    Records: data.map((one, i) => ({
      eventID: `shardId-000000000000:${from + i}`,
      kinesis: {
        sequenceNumber: String(from + i),
        partitionKey: (one as { entity_id?: string }).entity_id ?? 'nobody',
        approximateArrivalTimestamp: ARRIVAL / 1000,
        data: Buffer.from(typeof one === 'string' ? one : JSON.stringify(one)).toString('base64'),
      },
    })),
  };
}

const request = (path: string, body: unknown) => ({
  rawPath: path,
  requestContext: { http: { method: 'POST' }, requestId: 'r1' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

async function ask(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = (await api(request(path, body))) as { statusCode: number; body: string };
  return { status: answer.statusCode, body: JSON.parse(answer.body) as Record<string, unknown> };
}

async function keys(prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix: prefix }));
  return Contents.map((one) => one.Key!);
}

async function items(table: string) {
  return (await dynamo.send(new ScanCommand({ TableName: table, ConsistentRead: true }))).Items ?? [];
}

/** States as the table's stream delivers them: binary as base64. */
async function images() {
  const states = (await items('features')).filter((item) => item.state);
  return {
    Records: states.map(({ state, ...item }) => ({
      dynamodb: { NewImage: { ...item, state: { B: Buffer.from(state!.B!).toString('base64') } } },
    })),
  };
}

const events = Array.from({ length: CUSTOMERS }, (_, i) =>
  purchase(`c${i}`, `e${i}`, { available_at: new Date(ARRIVAL).toISOString() }),
);

test('a batch becomes states, archive and quarantine; a redelivery changes nothing', async () => {
  const delivered = batch([...events, '{']);
  for (let i = 0; i < 2; i++) {
    expect(await processor(delivered)).toEqual({ batchItemFailures: [] });
    expect(await archiver(delivered)).toEqual({ batchItemFailures: [] });
    const states = (await items('features')).filter((item) => item.state);
    expect(states).toHaveLength(CUSTOMERS);
    expect(new Set(states.map((item) => item.version?.N))).toEqual(new Set(['1']));
  }
  expect(await keys('archive/events/')).toEqual([
    `archive/events/dt=2017-06-01/shardId-000000000000/1-${CUSTOMERS + 1}.ndjson.gz`,
  ]);
  expect(await keys('archive/quarantine/')).toHaveLength(1);
});

test('nothing is scored before the fence stands', async () => {
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  expect(await sweep({}, context)).toMatchObject({ scored: 0, waits_for: expect.stringMatching(/^fence: found none/) });
  expect(await ask('/v1/score', { entity_ids: ['c1'] })).toMatchObject({ status: 503 });
  expect(await items('scores')).toEqual([]);
  const Item = { entity_id: { S: '#fence' }, view: { S: usecase.view.version }, ready: { BOOL: true } };
  await dynamo.send(new PutItemCommand({ TableName: 'features', Item }));
});

test('a model of another definition is refused, and nothing is stored', async () => {
  model.definition_hash = 'another';
  expect(await scorer(await images())).toEqual({ batchItemFailures: [] });
  expect(await ask('/v1/score', { entity_ids: ['c1'] })).toMatchObject({ status: 409 });
  model.definition_hash = usecase.view.definition_hash;
  expect(await items('scores')).toEqual([]);
});

test('changed states are scored; delivered again they raise no second alert', async () => {
  const some = { Records: (await images()).Records.slice(0, 5) };
  for (let i = 0; i < 2; i++) expect(await scorer(some)).toEqual({ batchItemFailures: [] });
  const stored = await items('scores');
  expect(stored.filter((item) => item.kind?.S === 'score')).toHaveLength(5);
  expect(stored.filter((item) => item.kind?.S?.startsWith('alert#'))).toHaveLength(5);
  expect(await keys('archive/predictions/')).toHaveLength(1);
});

test('the sweep scores all who were silent for a day, once', async () => {
  const now = ARRIVAL + 2 * DAY;
  expect(await sweep({ now }, context)).toMatchObject({ now, looked_at: CUSTOMERS, scored: CUSTOMERS, complete: true });
  expect(await sweep({ now: new Date(now + DAY / 2).toISOString() }, context)).toMatchObject({ scored: 0 });
});

test('a sweep whose time is over says so, and the next one goes on', async () => {
  const now = ARRIVAL + 5 * DAY;
  expect(await sweep({ now }, { getRemainingTimeInMillis: () => 100 })).toMatchObject({ complete: false, scored: 0 });
  expect(await sweep({ now }, context)).toMatchObject({ complete: true, scored: CUSTOMERS });
});

test('the runs of a day score everybody once, each its slice', async () => {
  const now = ARRIVAL + 8 * DAY;
  const runs = Array.from({ length: 24 }, (_, hour) => new Date(now + (hour * DAY) / 24).toISOString());
  const sums = { looked_at: 0, scored: 0 };
  for (const scheduled of runs) {
    const { looked_at, scored, complete } = (await sweep({ scheduled, now }, context)) as Record<string, number>;
    expect([complete, looked_at]).toEqual([true, scored]);
    expect(looked_at).toBeLessThan(CUSTOMERS / 4);
    sums.looked_at += looked_at!;
    sums.scored += scored!;
  }
  expect(sums).toEqual({ looked_at: CUSTOMERS, scored: CUSTOMERS });
  // Again, as after a failure whose answer was lost: nobody is due.
  expect(await sweep({ scheduled: runs[0], now }, context)).toMatchObject({ scored: 0 });
});

test('a run that was cut off is ended by the next one', async () => {
  const now = ARRIVAL + 11 * DAY;
  const [first, second] = [0, 1].map((hour) => new Date(now + (hour * DAY) / 24).toISOString());
  let calls = 0;
  const short = { getRemainingTimeInMillis: () => (calls++ < 4 ? 60_000 : 100) };
  const cut = (await sweep({ scheduled: first, now }, short)) as Record<string, number>;
  expect(cut.complete).toBe(false);
  // A model that fails in the middle leaves its parts, too.
  model.definition_hash = 'another';
  await expect(sweep({ scheduled: first, now }, context)).rejects.toThrow(/another definition/);
  model.definition_hash = usecase.view.definition_hash;
  const next = (await sweep({ scheduled: second, now }, context)) as Record<string, number>;
  const alone = (await sweep({ scheduled: second, now: now + DAY }, context)) as Record<string, number>;
  const both = (await sweep({ scheduled: first, now: now + DAY }, context)) as Record<string, number>;
  expect(cut.scored! + next.scored!).toBe(alone.scored! + both.scored!);
  expect(both.looked_at).toBeGreaterThan(0);
});

test.each(['<aws.scheduler.scheduled-time>', '2026-01-01'])(
  'a schedule that does not say when (%s) is refused',
  async (scheduled) => {
    await expect(sweep({ scheduled }, context)).rejects.toThrow(/^scheduled: /);
  },
);

test('the API finalises now, says how old the data is and who is missing', async () => {
  const features = await ask('/v1/features', { entity_ids: ['c1', 'nobody'] });
  expect(features).toMatchObject({
    status: 200,
    body: {
      view: usecase.view.version,
      entities: [
        {
          entity_id: 'c1',
          status: 'found',
          t: ARRIVAL + 1,
          event_age_ms: 60_001,
          arrival_age_ms: 1,
          features: { buys_7d: 1 },
        },
        { entity_id: 'nobody', status: 'missing', features: null },
      ],
    },
  });
  const scored = await ask('/v1/score', { entity_ids: ['c1', 'nobody'] });
  const answers = [{ score: 0.9, model_version: 'm1' }, { error: { reason: 'missing' } }];
  expect(scored).toMatchObject({ status: 200, body: { degraded: false, entities: answers } });
  expect([featuresAnswer.parse(features.body), scoreAnswer.parse(scored.body)]).toEqual([features.body, scored.body]);
});

test('a state that can not be read fails its entity alone', async () => {
  const own = (await items('features')).filter((item) => item.state);
  const bad = own.find((item) => item.entity_id!.S === 'c1')!;
  const written = (state: Uint8Array) =>
    dynamo.send(new PutItemCommand({ TableName: 'features', Item: { ...bad, state: { B: state } } }));
  // Of a codec that newer code writes; and one that is cut off.
  for (const state of [Uint8Array.from([77, ...bad.state!.B!.slice(1)]), bad.state!.B!.slice(0, 5)]) {
    await written(state);
    const from = state.length > 5 ? 2000 : 3000;
    const more = ['c0', 'c1', 'c2'].map((id, i) => purchase(id, `more-${from}-${i}`));
    expect(await processor(batch(more, from))).toEqual({ batchItemFailures: [] });
    const kept = (await items('features')).filter((item) => item.state);
    const at = kept
      .map((item) => Number(item.watermarks!.M!['shardId-000000000000']!.S))
      .filter((mark) => mark >= from);
    expect(at.sort()).toEqual([from, from + 1, from + 2]);
    // Its bytes stay, and its watermarks say what the healing has to make it of.
    const passed = kept.find((item) => item.entity_id!.S === 'c1')!;
    expect({ state: [...passed.state!.B!], heal: passed.heal?.BOOL }).toEqual({ state: [...state], heal: true });

    await scorer(await images());
    const now = ARRIVAL + from * DAY;
    expect(await sweep({ now }, context)).toMatchObject({ complete: true, scored: CUSTOMERS - 1 });
    const features = await ask('/v1/features', { entity_ids: ['c0', 'c1', 'nobody'] });
    const answers = features.body.entities as { status: string }[];
    expect([features.status, answers.map(({ status }) => status)]).toEqual([200, ['found', 'unreadable', 'missing']]);
    const scores = await ask('/v1/score', { entity_ids: ['c1', 'c0'] });
    expect(scores).toMatchObject({
      status: 200,
      body: { entities: [{ status: 'unreadable', degraded: true }, { score: 0.9 }] },
    });
    expect(await ask('/v1/score', { entity_ids: ['c1'] })).toMatchObject({ status: 200 });
  }
  await written(bad.state!.B!);
});

test.each([
  ['/v1/score', '{', 400],
  ['/v1/score', { entity_ids: [] }, 400],
  ['/v1/score', { entity_ids: Array.from({ length: 101 }, (_, i) => `c${i}`) }, 400],
  ['/v1/score', { entity_ids: [1] }, 400],
  ['/v1/score', { entity_ids: ['c1'], t: 5 }, 400],
  ['/v1/other', { entity_ids: ['c1'] }, 404],
])('POST %s is refused with one sentence (%#)', async (path, body, status) => {
  const answer = await ask(path, body);
  expect(answer).toEqual({ status, body: { error: expect.stringMatching(/^.{10,200}\.$/) } });
});
