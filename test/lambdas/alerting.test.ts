/** From a raised alert to its outcome, by the functions as they are shipped, against the local cloud. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type AttributeValue, DynamoDBClient, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signedPress } from '../../cli/commands/webhook/press.ts';
import { SlackReceiver } from '../../cli/commands/webhook/receiver.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import { DynamoScoreRates } from '../../lambdas/aws/dynamo/score-rates.ts';
import { DynamoScores } from '../../lambdas/aws/dynamo/scores.ts';
import { DynamoTurns } from '../../lambdas/aws/dynamo/turns.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { alert, scoreRecord, turnsCases } from '../engine/store-cases.ts';
import { ARRIVAL, ir } from '../engine/use-case.ts';
import { ENVIRONMENT, loadHandler } from './bundle.ts';
import { createTables } from './tables.ts';

const SECRET = 'a-signing-secret';
const folder = mkdtempSync(join(tmpdir(), 'tidemark-alerting-'));
const before = { ...process.env };
type Handler = Awaited<ReturnType<typeof loadHandler>>;
let cloud: LocalCloud;
let dynamo: DynamoDBClient;
let s3: S3Client;
let slack: SlackReceiver;
let dispatcher: Handler;
let publisher: Handler;
let notifier: Handler;
let outcomes: Handler;
let putSecret: (secret: object) => Promise<unknown>;

beforeAll(async () => {
  [cloud, slack] = await Promise.all([startLocalCloud({ quiet: true }), SlackReceiver.start()]);
  dynamo = new DynamoDBClient(cloud.clientConfig);
  s3 = new S3Client(cloud.clientConfig);
  const secrets = new SecretsManagerClient(cloud.clientConfig);
  const sns = new SNSClient(cloud.clientConfig);
  await createTables(dynamo);
  await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'alerts' }));
  const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'slack', SecretString: '{"url":""}' }));
  putSecret = (secret) =>
    secrets.send(new PutSecretValueCommand({ SecretId: ARN, SecretString: JSON.stringify(secret) }));
  const environment = {
    ...cloud.env,
    ...ENVIRONMENT,
    ...{ TIDEMARK_CLOCK: 'wall', ALERT_TOPIC_ARN: TopicArn!, SLACK_SECRET_ARN: ARN!, WEBHOOKS: 'loopback' },
  };
  const usecase = { ...ir, alerts: { ...ir.alerts, capacity_per_day: 2, guard: { share: 0.5, window_ms: DAY } } };
  const load = (entry: string) => loadHandler(entry, folder, environment, { usecase });
  dispatcher = await load('dispatcher/handler.ts');
  publisher = await load('notifier/publish.ts');
  notifier = await load('notifier/handler.ts');
  outcomes = await load('outcomes/handler.ts');
});

afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  dynamo?.destroy();
  s3?.destroy();
  await slack?.close();
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const scores = () => new DynamoScores(dynamo, 'scores', 400);

async function items(): Promise<Record<string, AttributeValue>[]> {
  return (await dynamo.send(new ScanCommand({ TableName: 'scores', ConsistentRead: true }))).Items ?? [];
}

async function lines(prefix: string): Promise<Record<string, unknown>[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix: prefix }));
  const objects = await Promise.all(
    Contents.map(async ({ Key }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'lake', Key }));
      return gunzipSync(await Body!.transformToByteArray()).toString('utf8');
    }),
  );
  return objects.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('turns on DynamoDB', () => {
  turnsCases(scores, () => new DynamoTurns(dynamo, 'scores', 400));
});

test('rates of a window add up, and what has left it does not count', async () => {
  const rates = new DynamoScoreRates(dynamo, 'scores');
  const window = 6 * HOUR;
  expect(await rates.add(ARRIVAL, { scored: 100, above: 10 }, window)).toEqual({ scored: 100, above: 10 });
  expect(await rates.add(ARRIVAL + 4 * HOUR, { scored: 50, above: 40 }, window)).toEqual({ scored: 150, above: 50 });
  expect(await rates.read(ARRIVAL + 5 * HOUR, window)).toEqual({ scored: 150, above: 50 });
  expect(await rates.add(ARRIVAL + 8 * HOUR, { scored: 1, above: 0 }, window)).toEqual({ scored: 51, above: 40 });
  expect(await rates.read(ARRIVAL + 4 * HOUR, 2 * window)).toEqual({ scored: 0, above: 0 });
  // Counts that no window reaches any more are taken out.
  await rates.add(ARRIVAL + 15 * HOUR, { scored: 1, above: 1 }, window);
  const rate = (await items()).find((item) => item.kind?.S === `rate#${window}`)!;
  expect(Object.keys(rate).filter((name) => /^[sa]\d+$/.test(name))).toHaveLength(6);
});

describe('from the dispatcher to an outcome', () => {
  const now = Date.UTC(2030, 0, 5, 12);
  const waits = { ...alert, disposition: { as: 'waits', worth: null, zone: null } } as const;

  test('the best two are told of, as many as the day takes', async () => {
    const turns = new DynamoTurns(dynamo, 'scores', 400);
    for (const left of await turns.waiting()) await turns.close(left, 'capacity', false);
    for (const [id, score] of [
      ['low', 0.85],
      ['high', 0.97],
      ['mid', 0.9],
    ] as const)
      expect(
        await scores().write({ ...scoreRecord(id, now - HOUR), score }, null, { ...waits, alert_id: `${id}-id` }),
      ).toBe(true);
    expect(await dispatcher({ now })).toMatchObject({ released: 2, doubted: false });
    expect(await dispatcher({ now })).toMatchObject({ released: 0, suppressed: {} });
    const told = (await items()).filter((item) => item.kind?.S === `alert#${now - HOUR}`);
    expect(told.map((item) => item.entity_id!.S).sort()).toEqual(['high', 'mid']);
    // The next day takes those of that day first; whose day is over is closed.
    for (const id of ['new-1', 'new-2'])
      expect(await scores().write({ ...scoreRecord(id, now + DAY - HOUR), score: 0.99 }, null, waits)).toBe(true);
    expect(await dispatcher({ now: now + DAY - HOUR })).toMatchObject({ released: 2, suppressed: { capacity: 1 } });
  });

  /** As the table's stream tells it. */
  const streamed = async (...ids: readonly string[]) => ({
    Records: (await items())
      .filter((item) => ids.includes(item.entity_id!.S!) && /^(alert|suppressed|outcome)#/.test(item.kind!.S!))
      .map((NewImage, i) => ({
        dynamodb: { NewImage, SequenceNumber: String(i), ApproximateCreationDateTime: now / 1000 },
      })),
  });

  test('the publisher writes down each end, told or not, and hands on those told alone', async () => {
    const event = await streamed('low', 'high', 'mid');
    for (let i = 0; i < 2; i++) expect(await publisher(event)).toEqual({ batchItemFailures: [] });
    const kept = await lines('archive/alerts/dt=2030-01-05/');
    expect(kept.map(({ alert_id, rule, decided_at }) => [alert_id, rule, decided_at]).sort()).toEqual([
      ['high-id', null, now],
      ['low-id', 'capacity', now],
      ['mid-id', null, now],
    ]);
    expect(kept[0]).toMatchObject({ model_version: 'm1', trigger: 'sweep', t: now - HOUR });
  });

  const notify = (entity_id: string) =>
    notifier({
      Records: [
        { Sns: { MessageAttributes: { entity_id: { Value: entity_id }, kind: { Value: `alert#${now - HOUR}` } } } },
      ],
    });
  const press = (outcome: 'reached' | 'saved' | 'wrong', user: string, at = Date.now()) => {
    const { body } = slack.messages.find((message) => JSON.stringify(message).includes('high-id'))!;
    return outcomes(signedPress(body, { outcome, user, at, secret: SECRET }));
  };
  const said = async () => {
    const query = { ':id': { S: 'high' }, ':outcome': { S: 'outcome#' } };
    const { Items = [] } = await dynamo.send(
      new QueryCommand({
        TableName: 'scores',
        KeyConditionExpression: 'entity_id = :id AND begins_with(kind, :outcome)',
        ExpressionAttributeValues: query,
      }),
    );
    return Items.map((item) => `${item.said_by!.S} ${item.outcome!.S}`);
  };

  test('an alert has buttons where their presses can be proven', async () => {
    expect(await outcomes({ headers: {}, body: '' })).toMatchObject({ statusCode: 503 });
    await putSecret({ url: slack.url, signing_secret: SECRET });
    await notify('high');
    const blocks = slack.messages[0]!.body.blocks as { type: string; elements?: { action_id: string }[] }[];
    expect(blocks.find(({ type }) => type === 'actions')?.elements?.map(({ action_id }) => action_id)).toEqual([
      'outcome_reached',
      'outcome_saved',
      'outcome_wrong',
    ]);
  });

  test('a press is kept with who said it; the same again is the same, another is one more', async () => {
    // The first try of the door found no secret: it is read again after five seconds.
    const at = Date.now();
    let answered: unknown;
    for (
      const deadline = Date.now() + 10_000;
      Date.now() < deadline;
      await new Promise((done) => setTimeout(done, 250))
    ) {
      answered = await press('reached', 'U1', at);
      if ((answered as { statusCode: number }).statusCode === 200) break;
    }
    expect(answered).toEqual({ statusCode: 200 });
    expect(await press('reached', 'U1', at)).toEqual({ statusCode: 200 });
    expect(await press('saved', 'U2', at + 5)).toEqual({ statusCode: 200 });
    expect(await said()).toEqual(['U1 reached', 'U2 saved']);
    await publisher(await streamed('high'));
    const kept = (await lines('archive/outcomes/')).map(({ outcome, said_by, alert_id }) => [
      alert_id,
      said_by,
      outcome,
    ]);
    expect(kept).toEqual([
      ['high-id', 'U1', 'reached'],
      ['high-id', 'U2', 'saved'],
    ]);
  });

  test('only an alert that exists takes an outcome', async () => {
    const { body } = slack.messages[0]!;
    const of = (entity_id: string) => JSON.parse(JSON.stringify(body).replaceAll('\\"high\\"', `\\"${entity_id}\\"`));
    // One that nobody was told of, and one that there is not.
    for (const entity_id of ['low', 'nobody']) {
      const sent = signedPress(of(entity_id), { outcome: 'wrong', user: 'U1', at: Date.now(), secret: SECRET });
      expect(await outcomes(sent)).toEqual({ statusCode: 200 });
    }
    expect((await items()).filter((item) => item.outcome?.S === 'wrong')).toEqual([]);
    expect(
      await outcomes(signedPress(body, { outcome: 'wrong', user: 'U1', at: Date.now(), secret: 'other' })),
    ).toMatchObject({ statusCode: 401 });
  });
});
