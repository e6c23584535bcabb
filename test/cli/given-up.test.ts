import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type GivenUpBatch, givenUpSince } from '../../cli/commands/redrive/batches.ts';
import { parseSince } from '../../cli/commands/redrive/command.ts';
import { gapsOf } from '../../cli/commands/redrive/gaps.ts';
import { byReader, putBack } from '../../cli/commands/redrive/given-up.ts';
import { type Connection, connectTo } from '../../cli/stage/connection.ts';
import { type Resources, readResources } from '../../cli/stage/resources.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { createStack } from '../create-stack.ts';

/** Fails for as long as the records say, as a function does whose database is out; tells what it took. */
const HANDLER = `exports.handler = async (event) => {
  const texts = event.Records.map((r) => Buffer.from(r.kinesis.data, 'base64').toString());
  if (texts.some((text) => Number(text.split(' ')[1]) > Date.now())) throw new Error('out of order');
  console.log('took ' + JSON.stringify(event.Records.map((r, i) => [texts[i], r.kinesis.partitionKey, r.kinesis.sequenceNumber])));
  return { batchItemFailures: [] };
};`;
const OUTAGE_MS = 20_000;
const LAKE = 'given-up-lake';

let cloud: LocalCloud;
let connection: Connection;
let resources: Resources;
const lake = { bucket: LAKE, stream: 'given-up-events' };

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  connection = connectTo(cloud);
  const { cloudformation } = connection.clients;
  await createStack(cloudformation, 'tidemark-local-demo-realtime', stack());
  resources = await readResources(cloudformation, { stage: 'local' });
});

afterAll(() => cloud?.stop());

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });

function stack() {
  const policy = {
    Effect: 'Allow',
    Action: ['kinesis:*', 's3:PutObject', 's3:ListBucket', 'logs:*'],
    Resource: '*',
  };
  const reader = (name: 'processor' | 'archiver') => ({
    [name]: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        ...{ Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile: HANDLER }, Role: arn('Role') },
        Environment: { Variables: { POWERTOOLS_SERVICE_NAME: name } },
      },
    },
    [`${name}Mapping`]: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        ...{ FunctionName: { Ref: name }, EventSourceArn: arn('Stream'), StartingPosition: 'TRIM_HORIZON' },
        ...{ BatchSize: 10, MaximumRetryAttempts: 0 },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        DestinationConfig: { OnFailure: { Destination: `arn:aws:s3:::${LAKE}` } },
      },
    },
  });
  return {
    Resources: {
      Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: LAKE } },
      Stream: { Type: 'AWS::Kinesis::Stream', Properties: { Name: lake.stream, ShardCount: 2 } },
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: {
            Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
          },
          Policies: [{ PolicyName: 'own', PolicyDocument: { Statement: [policy] } }],
        },
      },
      ...reader('processor'),
      ...reader('archiver'),
    },
  };
}

async function keys(Prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: connection.clients.s3 },
    { Bucket: LAKE, Prefix },
  ))
    found.push(...Contents.map(({ Key = '' }) => Key));
  return found;
}

/** What a function took, in its order: text, partition key, sequence number. */
async function took(reader: string): Promise<[string, string, string][]> {
  const { logs } = connection.clients;
  const found: [number, [string, string, string][]][] = [];
  const logGroupName = `/aws/lambda/${names[reader]}`;
  for await (const { events = [] } of paginateFilterLogEvents({ client: logs }, { logGroupName }))
    for (const { message = '', timestamp = 0 } of events) {
      const [, json] = /took (\[.*\])/.exec(message) ?? [];
      if (json) found.push([timestamp, JSON.parse(json)]);
    }
  return found.sort(([a], [b]) => a - b).flatMap(([, records]) => records);
}

const names: Record<string, string> = {};
test('an outage that is longer than the retries: everything is put back, in order and once', async () => {
  const { clients } = connection;
  const over = Date.now() + OUTAGE_MS;
  const Records = Array.from({ length: 40 }, (_, i) => ({
    PartitionKey: `customer-${i % 5}`,
    Data: Buffer.from(`${i} ${over}`),
  }));
  await clients.kinesis.send(new PutRecordsCommand({ StreamName: lake.stream, Records }));
  let found: readonly GivenUpBatch[] = [];
  const sum = () => found.reduce((records, { size }) => records + size, 0);
  for (const from = Date.now(); sum() < 2 * Records.length && Date.now() - from < 60_000; await sleep(500))
    ({ batches: found } = await givenUpSince(clients.s3, LAKE, 0));
  expect(sum()).toBe(2 * Records.length);
  const redrives = await byReader(clients, resources, found);
  expect(redrives.map(({ reader }) => reader)).toEqual(['archiver', 'processor']);
  for (const { reader, batches } of redrives) names[reader] = batches[0]!.functionName;
  const former = new Set(redrives[0]!.batches.flatMap(({ first, last }) => [first, last]));
  await sleep(Math.max(0, over - Date.now()));

  // Two pollers gave up the same batch; and a file of somebody else.
  const twice = redrives[1]!.batches[0]!.key;
  const CopySource = `${LAKE}/${twice}`;
  await clients.s3.send(new CopyObjectCommand({ Bucket: LAKE, CopySource, Key: `${twice}-again` }));
  await clients.s3.send(new PutObjectCommand({ Bucket: LAKE, Key: 'aws/lambda/x/y/2026/01/01/odd', Body: '{"a":' }));
  const { batches, unreadable } = await givenUpSince(clients.s3, LAKE, 0);
  expect(unreadable).toEqual(['aws/lambda/x/y/2026/01/01/odd']);
  for (const some of await byReader(clients, resources, batches)) {
    const done = await putBack(clients, lake, some);
    expect(done).toEqual({ batches: some.batches.length, records: Records.length, failed: [] });
  }
  expect((await givenUpSince(clients.s3, LAKE, 0)).batches).toEqual([]);

  let applied: [string, string, string][] = [];
  for (const from = Date.now(); applied.length < Records.length && Date.now() - from < 60_000; await sleep(500))
    applied = await took('processor');
  const texts = Records.map(({ Data }) => Data.toString());
  expect(applied.map(([text]) => text).sort()).toEqual([...texts].sort());
  for (let customer = 0; customer < 5; customer++) {
    const own = applied.filter(([, key]) => key === `customer-${customer}`).map(([text]) => Number(text.split(' ')[0]));
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  }
  // The archiver got its events as they were, before those that the stream brought again.
  const archived = await took('archiver');
  const old = archived.filter(([, , sequence]) => former.has(sequence));
  expect(old.length).toBe(former.size);
});

test('a batch that can not be put back holds up its shard, and no other', async () => {
  const { clients } = connection;
  const record = (sequenceNumber: string) => ({
    kinesis: { partitionKey: 'k', data: Buffer.from(`s${sequenceNumber} 0`).toString('base64'), sequenceNumber },
  });
  const batch = async (shardId: string, at: number, Records: readonly unknown[] | string) => {
    const document = {
      requestContext: { functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${names.processor}` },
      KinesisBatchInfo: {
        ...{ shardId, startSequenceNumber: `${at}`, endSequenceNumber: `${at}`, batchSize: Records.length },
        approximateArrivalOfFirstRecord: '2026-11-19T23:00:00Z',
      },
      payload: typeof Records === 'string' ? Records : JSON.stringify({ Records }),
    };
    const Key = `aws/lambda/m/${shardId}/2026/11/20/2026-11-20T10.00.00-${at}`;
    await clients.s3.send(new PutObjectCommand({ Bucket: LAKE, Key, Body: JSON.stringify(document) }));
    return Key;
  };
  const odd = await batch('shard-a', 1, 'Ann lives here');
  const behind = await batch('shard-a', 2, [record('2')]);
  await batch('shard-b', 3, [record('3')]);
  const { batches } = await givenUpSince(clients.s3, LAKE, 0);
  const [some] = await byReader(clients, resources, batches);
  const failed = [expect.stringMatching(`^${odd}: found 14 characters`)];
  expect(await putBack(clients, lake, some!)).toEqual({ batches: 1, records: 1, failed });
  expect((await givenUpSince(clients.s3, LAKE, 0)).batches.map(({ key }) => key)).toEqual([odd, behind]);
  for (const Key of [odd, behind]) await clients.s3.send(new DeleteObjectCommand({ Bucket: LAKE, Key }));
});

test('a batch of which an erasure has left nothing closes its gap, and is not asked for again', async () => {
  const { s3 } = connection.clients;
  const batch = {
    requestContext: { functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${names.archiver}` },
    timestamp: '2026-11-20T10:00:00.000Z',
    KinesisBatchInfo: {
      ...{ shardId: 'shardId-000000000000', startSequenceNumber: '5', endSequenceNumber: '9', batchSize: 5 },
      approximateArrivalOfFirstRecord: '2026-11-19T23:00:00Z',
    },
    payload: JSON.stringify({ Records: [] }),
  };
  const Key = 'aws/lambda/m/shardId-000000000000/2026/11/20/2026-11-20T10.00.00-u';
  await s3.send(new PutObjectCommand({ Bucket: LAKE, Key, Body: JSON.stringify(batch) }));
  expect(
    (await givenUpSince(s3, LAKE, Date.parse('2026-11-20T10:00:01Z'))).batches.map(({ key }) => key),
  ).not.toContain(Key);
  const { batches } = await givenUpSince(s3, LAKE, Date.parse('2026-11-20T09:59:59Z'));
  const some = await byReader(
    connection.clients,
    resources,
    batches.filter(({ key }) => key === Key),
  );
  expect(some.map(({ reader }) => reader)).toEqual(['archiver']);
  expect(await putBack(connection.clients, lake, some[0]!)).toEqual({ batches: 1, records: 0, failed: [] });
  const closed = 'archive/events/dt=2026-11-19/shardId-000000000000/5-9.ndjson.gz';
  expect(await keys('archive/events/')).toContain(closed);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: LAKE, Key: closed }));
  expect(gunzipSync((await Body?.transformToByteArray()) ?? '').length).toBe(0);
});

test('gaps say whether their batch is still there', async () => {
  const { s3 } = connection.clients;
  for (const [name, batch] of [
    ['dt=2026-11-19/s/1-2', 'aws/lambda/gone'],
    ['dt=2026-11-18/s/3-4', 'aws/lambda/x/y/2026/01/01/odd'],
  ]) {
    const Body = JSON.stringify({ batch });
    await s3.send(new PutObjectCommand({ Bucket: LAKE, Key: `archive/gaps/${name}.json`, Body }));
  }
  expect(await gapsOf(s3, LAKE)).toEqual([
    { day: '2026-11-18', shard: 's', first: '3', last: '4', recoverable: true },
    { day: '2026-11-19', shard: 's', first: '1', last: '2', recoverable: false },
  ]);
});

test.each([
  ['7d', 1_000_000_000_000 - 7 * 86_400_000],
  ['90m', 1_000_000_000_000 - 90 * 60_000],
  ['2026-11-20', Date.parse('2026-11-20T00:00:00Z')],
  ['2026-11-20T10:00:00+02:00', Date.parse('2026-11-20T08:00:00Z')],
  ['2026-11-20T10:00:00', null],
  ['yesterday', null],
  ['', null],
])('--since %p', (text, ms) => {
  expect(parseSince(text, 1_000_000_000_000)).toBe(ms);
});
