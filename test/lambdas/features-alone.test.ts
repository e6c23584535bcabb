/** The shipped bundles of a use case of events and features alone: events become states, and the API serves them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import spending from '../fixtures/usecases/spending/index.ts';
import { ENVIRONMENT, loadHandler } from './bundle.ts';
import { createTables } from './tables.ts';

const ARRIVAL = Date.UTC(2026, 2, 1, 12);
const folder = mkdtempSync(join(tmpdir(), 'tidemark-features-'));
const before = { ...process.env };
const { SCORES_TABLE: _, ENDPOINT_NAME: __, ...withoutModel } = ENVIRONMENT;

type Handler = Awaited<ReturnType<typeof loadHandler>>;
let cloud: LocalCloud;
let processor: Handler;
let api: Handler;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  const dynamo = new DynamoDBClient(cloud.clientConfig);
  const s3 = new S3Client(cloud.clientConfig);
  await createTables(dynamo);
  await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const view = spending.views[0]!.version;
  const Item = { entity_id: { S: '#fence' }, view: { S: view }, ready: { BOOL: true } };
  await dynamo.send(new PutItemCommand({ TableName: 'features', Item }));
  for (const name of ['SCORES_TABLE', 'ENDPOINT_NAME']) delete process.env[name];
  const load = (entry: string, more: Readonly<Record<string, string>>) =>
    loadHandler(entry, folder, { ...cloud.env, ...more, CUTOVER_AFTER_SECONDS: '0' }, { usecase: spending });
  processor = await load('processor/handler.ts', withoutModel);
  // As the construct deploys it: it has no lake to write to either.
  const { LAKE_BUCKET: ___, ...ofApi } = withoutModel;
  delete process.env.LAKE_BUCKET;
  api = await load('api/handler.ts', ofApi);
  dynamo.destroy();
  s3.destroy();
});

afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const line = (event_id: string, properties: object) => ({
  ...{ event_id, entity_id: 'ann', event_type: 'order_line', source: 'shop', schema_version: 1, properties },
  event_time: new Date(ARRIVAL - 60_000).toISOString(),
  available_at: new Date(ARRIVAL).toISOString(),
});

async function ask(path: string) {
  const answer = (await api({
    rawPath: path,
    requestContext: { http: { method: 'POST' }, requestId: 'r1' },
    body: JSON.stringify({ entity_ids: ['ann', 'nobody'] }),
  })) as { statusCode: number; body: string };
  return { status: answer.statusCode, body: JSON.parse(answer.body) };
}

test('events become features, a derived column beyond its bounds is refused', async () => {
  const lines = [
    line('e1', { product: 'tea', quantity: 3, unit_price: '2.50', channel: 'web' }),
    line('e2', { product: 'pot', quantity: 1, unit_price: '10.00' }),
    line('e3', { product: 'all', quantity: 1_000, unit_price: '10000.01' }),
  ];
  const Records = lines.map((one, i) => ({
    eventID: `shardId-000000000000:${i + 1}`,
    kinesis: {
      sequenceNumber: String(i + 1),
      partitionKey: one.entity_id,
      approximateArrivalTimestamp: ARRIVAL / 1000,
      data: Buffer.from(JSON.stringify(one)).toString('base64'),
    },
  }));
  expect(await processor({ Records })).toEqual({ batchItemFailures: [] });
  expect(await ask('/v1/features')).toMatchObject({
    status: 200,
    body: {
      view: spending.views[0]!.version,
      entities: [
        {
          entity_id: 'ann',
          status: 'found',
          features: { lines_28d: 2, spend_28d: 1750, spend_web: 750, mean_line: 875 },
        },
        { entity_id: 'nobody', status: 'missing', features: null },
      ],
    },
  });
});

test('a score is refused with one sentence that says what there is', async () => {
  expect(await ask('/v1/score')).toEqual({
    status: 404,
    body: { error: expect.stringMatching(/^This use case has no model.*POST \/v1\/features/) },
  });
  expect(await ask('/v1/other')).toMatchObject({ status: 404 });
});
