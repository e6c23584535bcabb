/** How old the newest event of a customer is when it is scored: by the clock that the stage goes by. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { METRIC } from '../../names/metrics.ts';
import { ARRIVAL, purchase, usecase } from '../engine/use-case.ts';
import { ENVIRONMENT, loadHandler, ModelEndpoint } from './bundle.ts';
import { createTables } from './tables.ts';

const HOUR = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'tidemark-freshness-'));
const before = { ...process.env };
const model = new ModelEndpoint(usecase.view.definition_hash);

let cloud: LocalCloud;
let dynamo: DynamoDBClient;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamo = new DynamoDBClient(cloud.clientConfig);
  await createTables(dynamo);
  await new S3Client(cloud.clientConfig).send(new CreateBucketCommand({ Bucket: 'lake' }));
  environment = {
    ...{ ...cloud.env, ...ENVIRONMENT, CUTOVER_AFTER_SECONDS: '0' },
    ...{ POWERTOOLS_METRICS_DISABLED: 'false', POWERTOOLS_DEV: 'true' },
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: await model.start(),
  };
  const Item = { entity_id: { S: '#fence' }, view: { S: usecase.view.version }, ready: { BOOL: true } };
  await dynamo.send(new PutItemCommand({ TableName: 'features', Item }));
});

afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  dynamo?.destroy();
  await model.stop();
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What a handler reports as freshness, ms. */
async function freshness(handler: (event: unknown) => Promise<unknown>, event: unknown): Promise<number[]> {
  const printed = jest.spyOn(console, 'log').mockImplementation(() => {});
  try {
    expect(await handler(event)).toEqual({ batchItemFailures: [] });
    return printed.mock.calls.flatMap(([line]) => JSON.parse(String(line))[METRIC.freshnessMs] ?? []);
  } finally {
    printed.mockRestore();
  }
}

/** States as the table's stream delivers them: binary as base64. */
async function images() {
  const { Items = [] } = await dynamo.send(new ScanCommand({ TableName: 'features', ConsistentRead: true }));
  return {
    Records: Items.filter(({ state }) => state).map(({ state, ...item }) => ({
      dynamodb: { NewImage: { ...item, state: { B: Buffer.from(state!.B!).toString('base64') } } },
    })),
  };
}

test('a replay measures it against the newest arrival of all customers, the wall clock against now', async () => {
  const processor = await loadHandler('processor/handler.ts', join(folder, 'processor'), environment);
  const arrivals = [0, 6 * HOUR, 24 * HOUR];
  const Records = arrivals.map((after, index) => {
    const available_at = new Date(ARRIVAL + after).toISOString();
    return {
      eventID: `shardId-000000000000:${index + 1}`,
      kinesis: {
        sequenceNumber: String(index + 1),
        partitionKey: `c${index}`,
        approximateArrivalTimestamp: ARRIVAL / 1000,
        data: Buffer.from(JSON.stringify(purchase(`c${index}`, `e${index}`, { available_at }))).toString('base64'),
      },
    };
  });
  expect(await freshness(processor, { Records })).toEqual([]);

  const load = (TIDEMARK_CLOCK: string) =>
    loadHandler('scorer/handler.ts', join(folder, TIDEMARK_CLOCK), { ...environment, TIDEMARK_CLOCK });
  const replayed = await freshness(await load('replay'), await images());
  expect(replayed.sort((a, b) => a - b)).toEqual([1, 18 * HOUR + 1, 24 * HOUR + 1]);

  const scorer = await load('wall');
  const from = Date.now();
  const live = await freshness(scorer, await images());
  expect(live).toHaveLength(arrivals.length);
  for (const age of live) {
    expect(age).toBeGreaterThanOrEqual(from - ARRIVAL - 24 * HOUR);
    expect(age).toBeLessThanOrEqual(Date.now() - ARRIVAL);
  }
});
