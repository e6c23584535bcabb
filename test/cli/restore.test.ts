import { gzipSync } from 'node:zlib';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { GetFunctionConcurrencyCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { putTombstonesBack, readTombstones, writeTombstone } from '../../cli/commands/erase/tombstones.ts';
import { clearStates } from '../../cli/commands/restore/features.ts';
import { foldPredictions, restoreScores } from '../../cli/commands/restore/scores.ts';
import type { Clients } from '../../cli/stage/connection.ts';
import type { Resources } from '../../cli/stage/resources.ts';
import { tombstoneOf } from '../../core/admission/tombstone.ts';
import type { AlertIR } from '../../core/ir/document.ts';
import { type AlertState, decide, NEVER_ALERTED } from '../../core/scores/alerts.ts';
import { DynamoTombstones } from '../../lambdas/aws/dynamo/tombstones.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { ERASED_KEY, ERASURES_KEY } from '../../names/keys.ts';
import { createStack } from '../create-stack.ts';
import { createTables } from '../lambdas/tables.ts';

const HOUR = 3_600_000;
const ALERTS: AlertIR = {
  name: 'churn',
  threshold: 0.8,
  rearm_below: 0.6,
  cooldown_ms: 48 * HOUR,
  title: '{entity_id}',
  link: 'https://x.example/{entity_id}',
  top_reasons: 1,
  reasons: {},
};
const NAMES = new Map([
  ['featuresTable', 'features'],
  ['scoresTable', 'scores'],
  ['lakeBucket', 'lake'],
  ['scorerFunction', 'scorer'],
  ['sweepFunction', 'sweep'],
]);
const resources = NAMES as unknown as Resources;

let cloud: LocalCloud;
let clients: Clients;
let dynamodb: DynamoDBClient;
let s3: S3Client;
let lambda: LambdaClient;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamodb = new DynamoDBClient(cloud.clientConfig);
  s3 = new S3Client(cloud.clientConfig);
  lambda = new LambdaClient(cloud.clientConfig);
  clients = { dynamodb, s3, lambda } as unknown as Clients;
  await createTables(dynamodb);
  await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const cloudformation = new CloudFormationClient(cloud.clientConfig);
  await createStack(cloudformation, 'functions', functions());
});

afterAll(() => cloud?.stop());

function functions() {
  const Statement = [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }];
  const Code = { ZipFile: 'exports.handler = async () => 1;' };
  const one = (FunctionName: string) => ({
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code,
      Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    },
  });
  return {
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: { Statement } } },
      Scorer: one('scorer'),
      Sweep: one('sweep'),
    },
  };
}

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
}

/** Without the item that counts the changes of the list of tombstones. */
const items = async (TableName: string) => {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName, ConsistentRead: true }));
  return Items.filter(({ entity_id }) => entity_id?.S !== ERASURES_KEY);
};
const put = (TableName: string, Item: Record<string, AttributeValue>) =>
  dynamodb.send(new PutItemCommand({ TableName, Item }));
const state = (entity: string, view = 'v@1') => ({ entity_id: { S: entity }, view: { S: view } });

describe('tombstones', () => {
  const hash = tombstoneOf('anna');

  test('lie in the lake and in the table, and say when the stores were cleared', async () => {
    await writeTombstone(clients, resources, { hash, cleared_at: 0 });
    await writeTombstone(clients, resources, { hash, cleared_at: 5 });
    expect(await all(readTombstones(s3, 'lake'))).toEqual([{ hash, cleared_at: 5 }]);
    expect(await items('features')).toEqual([
      { entity_id: { S: ERASED_KEY }, view: { S: hash }, cleared_at: { N: '5' } },
    ]);
  });

  test('are in the lake, though the table can not be written', async () => {
    const other = tombstoneOf('eve');
    const missing = new Map([...NAMES, ['featuresTable', 'no-table']]) as unknown as Resources;
    await expect(writeTombstone(clients, missing, { hash: other, cleared_at: 0 })).rejects.toThrow();
    const found = await all(readTombstones(s3, 'lake'));
    expect(found.map((one) => one.hash).sort()).toEqual([hash, other].sort());
  });

  test('come back into a table that lost them, and whoever asks is told', async () => {
    for (const { entity_id, view } of await items('features'))
      await dynamodb.send(new DeleteItemCommand({ TableName: 'features', Key: { entity_id, view } as never }));
    const key = { S: ERASURES_KEY };
    await dynamodb.send(new DeleteItemCommand({ TableName: 'features', Key: { entity_id: key, view: key } }));
    const asks = () => new DynamoTombstones(dynamodb, 'features');
    expect([...(await asks().erased(['anna', 'bob']))]).toEqual([]);
    expect((await putTombstonesBack(clients, resources)).size).toBe(2);
    expect([...(await asks().erased(['anna', 'bob', 'eve']))].sort()).toEqual(['anna', 'eve']);
  });

  test.each([
    ['tombstones/anna', '{"cleared_at":0}'],
    [`tombstones/${tombstoneOf('x')}`, '{}'],
    [`tombstones/${tombstoneOf('x')}`, '{"cleared_at":-1}'],
  ])('%s with %s is not passed over', async (Key, Body) => {
    await s3.send(new PutObjectCommand({ Bucket: 'lake', Key, Body }));
    await expect(putTombstonesBack(clients, resources)).rejects.toThrow('an object is not a tombstone');
    await s3.send(new DeleteObjectCommand({ Bucket: 'lake', Key }));
  });
});

test('of a table that came back from a point in time, tombstones and the clock of a replay stay', async () => {
  for (let n = 0; n < 60; n++) await put('features', state(`e${n}`));
  for (const [key, view] of [
    ['#fence', 'v@1'],
    ['#join', 'v@1'],
    ['#clock', '#clock'],
  ] as const)
    await put('features', state(key, view));
  expect(await clearStates(dynamodb, 'features')).toBe(62);
  expect((await items('features')).map(({ entity_id }) => entity_id?.S).sort()).toEqual([
    '#clock',
    ERASED_KEY,
    ERASED_KEY,
  ]);
});

interface Line {
  readonly entity_id: string;
  readonly t: number;
  readonly score: number;
  readonly trigger?: string;
  readonly model_version?: string;
}

async function predictions(day: string, name: string, lines: readonly Line[]): Promise<void> {
  const common = { variant: 'a', model_version: 'm', definition_hash: 'd', trigger: 'event', reasons: [] };
  const text = lines.map((line) => `${JSON.stringify({ ...common, ...line })}\n`).join('');
  const Key = `archive/predictions/dt=${day}/${name}.ndjson.gz`;
  await s3.send(new PutObjectCommand({ Bucket: 'lake', Key, Body: gzipSync(text) }));
}

describe('scores that were lost', () => {
  const T = Date.parse('2026-03-01T00:00:00Z');

  test('come back with what their alerts had come to: nobody is alerted twice', async () => {
    await predictions('2026-03-01', 'b', [
      { entity_id: 'bob', t: T + HOUR, score: 0.9 },
      { entity_id: 'anna', t: T + HOUR, score: 0.95 },
      { entity_id: 'cleo', t: T, score: 0.3 },
    ]);
    await predictions('2026-03-01', 'a', [{ entity_id: 'bob', t: T + 2 * HOUR, score: 0.85 }]);
    // An answer of the API decides nothing, and a second delivery neither.
    await predictions('2026-03-02', 'a', [
      { entity_id: 'cleo', t: T + 30 * HOUR, score: 0.99, trigger: 'api' },
      { entity_id: 'bob', t: T + 2 * HOUR, score: 0.85 },
    ]);
    await dynamodb.send(
      new CreateTableCommand({
        TableName: 'copy',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['entity_id', 'kind'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [
          { AttributeName: 'entity_id', KeyType: 'HASH' },
          { AttributeName: 'kind', KeyType: 'RANGE' },
        ],
      }),
    );
    const alert = (entity: string) => ({ entity_id: { S: entity }, kind: { S: 'alert#1' }, status: { S: 'pending' } });
    await put('copy', alert('bob'));
    await put('copy', alert('anna'));
    await put('copy', { entity_id: { S: 'bob' }, kind: { S: 'score' }, t: { N: '1' } });

    expect(await restoreScores(clients, resources, ALERTS, 'copy', 400)).toEqual({
      tombstones: 2,
      copied: 1,
      folded: 2,
    });
    const found = new Map((await items('scores')).map((item) => [`${item.entity_id?.S} ${item.kind?.S}`, item]));
    expect([...found.keys()].sort()).toEqual(['#first-score mark', 'bob alert#1', 'bob score', 'cleo score']);
    const bob = found.get('bob score');
    expect(bob?.armed?.BOOL).toBe(false);
    expect(bob?.last_alert_t?.N).toBe(String(T + HOUR));
    expect(bob?.t?.N).toBe(String(T + 2 * HOUR));
    expect(found.get('cleo score')?.armed?.BOOL).toBe(true);
    expect(found.get('bob alert#1')?.status?.S).toBe('sent');
  });

  test('are scored again afterwards, and a second run changes nothing', async () => {
    const before = await items('scores');
    expect(await restoreScores(clients, resources, ALERTS, 'copy', 400)).toEqual({
      tombstones: 2,
      copied: 0,
      folded: 0,
    });
    expect(await items('scores')).toEqual(before);
    const { ReservedConcurrentExecutions } = await lambda.send(
      new GetFunctionConcurrencyCommand({ FunctionName: 'sweep' }),
    );
    expect(ReservedConcurrentExecutions).toBeUndefined();
  });

  test('the fold decides as the scorer did, whatever was scored when and in whichever object it lies', async () => {
    const Bucket = 'folds';
    await s3.send(new CreateBucketCommand({ Bucket }));
    const one = fc.record({
      hour: fc.integer({ min: 0, max: 300 }),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 20 }), async (scored) => {
        const served = scored.sort((a, b) => a.hour - b.hour).filter((a, i) => a.hour !== scored[i - 1]?.hour);
        let expected: AlertState = NEVER_ALERTED;
        const keys: string[] = [];
        for (const { hour, score } of served) {
          const t = T + hour * HOUR;
          expected = decide(ALERTS, expected, score, t).next;
          const Key = `archive/predictions/dt=${new Date(t).toISOString().slice(0, 10)}/${(hour * 7919) % 101}-${hour}.gz`;
          const line = { entity_id: 'e', t, score, model_version: 'm', trigger: 'sweep' };
          await s3.send(new PutObjectCommand({ Bucket, Key, Body: gzipSync(`${JSON.stringify(line)}\n`) }));
          keys.push(Key);
        }
        const found = (await foldPredictions(s3, Bucket, ALERTS)).get('e');
        for (const Key of keys) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
        expect(found?.alert_state).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });
});
