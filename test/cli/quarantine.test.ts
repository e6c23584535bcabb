/** The commands on the quarantine, against a bucket, a stream and a source's function of the local cloud. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { GetRecordsCommand, GetShardIteratorCommand, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { list, show } from '../../cli/commands/quarantine/look.ts';
import { redriveQuarantine } from '../../cli/commands/quarantine/redrive.ts';
import { stats } from '../../cli/commands/quarantine/stats.ts';
import { type Connection, connectTo } from '../../cli/stage/connection.ts';
import { readResources } from '../../cli/stage/resources.ts';
import { OpenStage } from '../../cli/stage/stage.ts';
import { contract } from '../../core/definition/define.ts';
import { at, rule, source, sourceIR } from '../../core/definition/sources.ts';
import type { QuarantineLine } from '../../engine/ingest/quarantine.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { archiveKey, objectKey, PREFIX } from '../../names/lake.ts';
import { INTAKE_VARIABLE } from '../../names/redrive.ts';
import { Progress } from '../../setup/progress.mjs';
import { createStack } from '../create-stack.ts';
import { ir, purchase } from '../engine/use-case.ts';

const LAKE = 'quarantine-lake';
const STREAM = 'quarantine-events';
const STRIPE = source('stripe', {
  envelope: 'json',
  options: { id: '/customer' },
  via: [{ kind: 'http', verify: { scheme: 'hmac' } }],
  map: [
    rule({
      event: contract('buy', 1, { fields: {} }),
      entity: at('/customer'),
      time: { from: '/at', format: 'iso8601' },
      properties: { amount: at('/amount', { shift: 2 }) },
    }),
  ],
});
/** Takes what is readable, as a source's function after a fix. */
const HANDLER = `exports.handler = async ({ redrive }) => ({
  taken: redrive.map(({ raw_base64, received_ms }) => received_ms > 0 && Buffer.from(raw_base64, 'base64').toString() === 'good'),
});`;
const DAY = Date.UTC(2026, 2, 1, 9);
const options = { stage: 'local' as const, since: DAY - 1_000 };

let cloud: LocalCloud;
let connection: Connection;
let stage: OpenStage;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  connection = connectTo(cloud);
  const { cloudformation } = connection.clients;
  await createStack(cloudformation, 'tidemark-local-demo-realtime', stack());
  const resources = await readResources(cloudformation, { stage: 'local' });
  stage = new OpenStage(options, { ...connection, resources }, new Progress(process.stderr));
  await put('usecase.json', JSON.stringify({ ...ir, sources: [sourceIR(STRIPE)] }));
  await lines([
    line('1', 'NOT_IN_ENUM', purchase('ann', 'e-1')),
    line('2', 'NOT_IN_ENUM', purchase('ann', 'e-2', { properties: { amount: 1, shop: 'new', secret: 'Ann' } })),
    { ...line('3', 'DUPLICATE_EVENT_ID', purchase('bob', 'e-1')), source: 'web' },
  ]);
  // The batch came again, and refused fewer: the same place in a second object.
  await lines([line('1', 'NOT_IN_ENUM', purchase('ann', 'e-1'))], 'again');
  const own = { shard_id: 'intake-stripe-http', source: null, event_type: null, schema_version: null };
  await lines([
    { ...line('10', 'MALFORMED_JSON', 'good'), ...own },
    { ...line('11', 'MALFORMED_JSON', 'bad'), ...own },
  ]);
  const drift = { kind: 'grown_enum', source: 'till', event_type: 'buy', schema_version: 1 };
  await put(
    objectKey('drift', { day: '2026-03-01', id: 'a' }),
    gzipSync(
      `${JSON.stringify({ ...drift, day: '2026-03-01', field: 'properties.shop', found: 'string', allowed: 'enum' })}\n`,
    ),
  );
});
afterAll(() => cloud?.stop());

let out: string[] = [];
let spies: { mockRestore(): void }[] = [];
beforeEach(() => {
  out = [];
  spies = [
    jest.spyOn(console, 'log').mockImplementation((text: string) => void out.push(text)),
    jest.spyOn(console, 'error').mockImplementation(() => {}),
    jest.spyOn(process.stderr, 'write').mockImplementation(() => true),
    jest.spyOn(process.stdout, 'write').mockImplementation((data) => {
      out.push(String(data));
      return true;
    }),
  ];
});
afterEach(() => {
  for (const spy of spies) spy.mockRestore();
  process.exitCode = undefined;
});

function stack() {
  const role = {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
    },
  };
  const output = (Value: unknown) => ({ Value });
  return {
    Resources: {
      Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: LAKE } },
      Stream: { Type: 'AWS::Kinesis::Stream', Properties: { Name: STREAM, ShardCount: 1 } },
      Role: role,
      Intake: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          ...{ Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile: HANDLER } },
          Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
          Environment: { Variables: { [INTAKE_VARIABLE.source]: 'stripe', [INTAKE_VARIABLE.carriage]: 'http' } },
        },
      },
    },
    Outputs: {
      LakeBucketName: output(LAKE),
      StreamName: output(STREAM),
      UseCaseUri: output(`s3://${LAKE}/usecase.json`),
    },
  };
}

function line(sequence_number: string, reason: QuarantineLine['reason'], data: unknown): QuarantineLine {
  return {
    ...{
      shard_id: 's-0',
      sequence_number,
      sub_sequence: 0,
      arrival: DAY,
      reason,
      detail: `detail of ${sequence_number}`,
    },
    ...{ event_type: 'buy', schema_version: 1, source: 'till', partition_key: 'ann' },
    raw_base64: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('base64'),
  };
}

const put = (Key: string, Body: string | Buffer) =>
  connection.clients.s3.send(new PutObjectCommand({ Bucket: LAKE, Key, Body }));
const lines = (some: readonly QuarantineLine[], name = 'x') => {
  const [first, last] = [some[0]!, some.at(-1)!];
  const key = archiveKey('quarantine', DAY, first.shard_id, first.sequence_number, `${last.sequence_number}-${name}`);
  return put(key, gzipSync(some.map((one) => `${JSON.stringify(one)}\n`).join('')));
};

/** All that the stream holds, as text. */
async function inStream(): Promise<{ key: string; text: string }[]> {
  const { kinesis } = connection.clients;
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: STREAM }));
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({
      ...{ StreamName: STREAM, ShardId: Shards[0]!.ShardId, ShardIteratorType: 'TRIM_HORIZON' },
    }),
  );
  const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
  return Records.map(({ PartitionKey = '', Data }) => ({ key: PartitionKey, text: Buffer.from(Data!).toString() }));
}

const json = () =>
  out
    .join('\n')
    .split('\n')
    .map((text) => JSON.parse(text) as Record<string, unknown>);

describe('looking', () => {
  test('ls lists each place once, without its record', async () => {
    await list(stage, { ...options, limit: 100, json: true });
    expect(json().map(({ position, source }) => [position, source])).toEqual([
      ['intake-stripe-http:10', 'stripe'],
      ['intake-stripe-http:11', 'stripe'],
      ['s-0:1', 'till'],
      ['s-0:2', 'till'],
      ['s-0:3', 'web'],
    ]);
    expect(out.join()).not.toMatch(/Ann|ann|raw_base64/);
  });

  test.each([
    [{ reason: ['MALFORMED_JSON'] as const }, 2],
    [{ source: ['web'] }, 1],
    [{ source: ['till', 'web'], reason: ['NOT_IN_ENUM'] as const }, 2],
    [{ eventType: ['sell'] }, 0],
    [{ since: DAY + 1 }, 0],
    [{ since: DAY - 1, until: DAY }, 0],
  ])('ls by %j finds %d', async (filter, n) => {
    await list(stage, { ...options, ...filter, limit: 100 });
    expect(out).toHaveLength(n);
  });

  test('show tells names and types and how they differ, and no value', async () => {
    await show(stage, 's-0:2', { ...options, json: true });
    const [shown] = json();
    expect(shown).toMatchObject({
      reason: 'NOT_IN_ENUM',
      shape: expect.arrayContaining(['properties.shop: string', 'properties.secret: string']),
      drift: [
        { kind: 'grown_enum', field: 'properties.shop', found: 'string' },
        { kind: 'unknown_field', field: 'properties.secret', found: 'string' },
      ],
    });
    expect(out.join()).not.toMatch(/Ann|ann/);
    out = [];
    await show(stage, 's-0:2', { ...options, raw: true });
    expect(JSON.parse(out.join(''))).toMatchObject({ event_id: 'e-2', properties: { secret: 'Ann' } });
  });

  test('show tells of what never came to the stream how it differs from its map', async () => {
    const body = { type: 'paid', customer: 'Ann', amount: 'much', at: null };
    const shard_id = 'intake-stripe-http';
    const early = { ...line('7', 'INVALID_EVENT_TIME', body), shard_id, arrival: DAY - 86_400_000 };
    await put(
      archiveKey('quarantine', early.arrival, shard_id, '7', '7-x'),
      gzipSync(`${JSON.stringify({ ...early, event_type: null, schema_version: null })}\n`),
    );
    await show(stage, `${shard_id}:7`, { ...options, json: true });
    expect(json()[0]!.drift).toMatchObject([
      { kind: 'lost_field', field: '/at', found: 'null' },
      { kind: 'changed_type', field: '/amount', found: 'string', allowed: 'decimal' },
    ]);
    expect(out.join()).not.toMatch(/Ann|much/);
  });

  test('show of a place that is not there, or is none, says so', async () => {
    await expect(show(stage, 's-0:7', options)).rejects.toThrow(/There is no s-0:7/);
    await expect(show(stage, 'seven', options)).rejects.toThrow(/no position/);
  });

  test('stats counts by day, source and reason, and tells what drifted', async () => {
    await stats(stage, options);
    const text = out.join('\n');
    expect(text).toMatch(/2026-03-01 +till +NOT_IN_ENUM +2 +0/);
    expect(text).toMatch(/2026-03-01 +stripe +MALFORMED_JSON +2 +0/);
    expect(text).toContain('till  buy@1  grown_enum properties.shop: string (enum)  2026-03-01');
  });
});

test('redrive puts back what is admitted by now, gives a source its own, and does both once', async () => {
  const told = { sent: 1, given: { stripe: 2 }, refused: { NOT_IN_ENUM: 1 }, duplicates: 1, before: 0, without: {} };
  await redriveQuarantine(stage, { ...options, json: true, dryRun: true });
  expect(json()).toEqual([{ dry_run: true, ...told, declined: {}, failed: [] }]);
  expect([await inStream(), process.exitCode]).toEqual([[], 3]);

  out = [];
  await redriveQuarantine(stage, { ...options, json: true, rate: 100 });
  expect(json()).toEqual([{ dry_run: false, ...told, given: { stripe: 1 }, declined: { stripe: 1 }, failed: [] }]);
  expect(await inStream()).toEqual([{ key: 'ann', text: JSON.stringify(purchase('ann', 'e-1')) }]);

  out = [];
  await redriveQuarantine(stage, options);
  expect(out.join()).toMatch(/1 left, as the deployed contracts refuse them still: 1 NOT_IN_ENUM/);
  expect(out.join()).toMatch(/2 put back before/);
  expect(await inStream()).toHaveLength(1);

  const { Contents = [] } = await connection.clients.s3.send(
    new ListObjectsV2Command({ Bucket: LAKE, Prefix: PREFIX.redriven }),
  );
  expect(Contents.map(({ Key }) => Key)).toEqual([
    expect.stringMatching(/^archive\/redriven\/dt=2026-03-01\/intake-stripe-http\/[\da-f]{24}\.ndjson\.gz$/),
    expect.stringMatching(/^archive\/redriven\/dt=2026-03-01\/s-0\/[\da-f]{24}\.ndjson\.gz$/),
  ]);
  const { Body } = await connection.clients.s3.send(new GetObjectCommand({ Bucket: LAKE, Key: Contents[1]!.Key }));
  expect(gunzipSync(Buffer.from(await Body!.transformToByteArray())).toString()).toMatch(
    /^\{"position":"s-0:1","redriven":\d{13}\}\n$/,
  );

  out = [];
  await list(stage, { ...options, limit: 100, json: true });
  expect(json()).toHaveLength(3);
});

test('a source that is not deployed keeps its records, and that is told', async () => {
  const own = { shard_id: 'intake-crm-bus', source: 'crm', arrival: DAY };
  await lines([{ ...line('20', 'MALFORMED_JSON', 'x'), ...own }]);
  await expect(redriveQuarantine(stage, { ...options, source: ['crm'] })).rejects.toThrow(/no function of crm/);
});
