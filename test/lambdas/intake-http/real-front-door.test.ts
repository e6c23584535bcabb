/** The shipped function behind a real HTTP API, with stream, quarantine and secrets of the local cloud: one start for all. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  DeleteStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
} from '@aws-sdk/client-kinesis';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { putKey } from '../../../cli/commands/source/keys.ts';
import { type LocalCloud, startLocalCloud } from '../../../local/cloud.ts';
import { deploy, LAKE, STREAM } from './deployed.ts';
import { GOOD, KEYS, packed, type Sent, SIGN } from './providers.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-front-door-'));
const secret = JSON.stringify({ keys: KEYS });
let cloud: LocalCloud;
let api: string;
let billing: string;
let kinesis: KinesisClient;
let s3: S3Client;
let iterator: string | undefined;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  ({ api, billing } = await deploy(cloud, folder, {
    billing: secret,
    crm: secret,
    x: secret,
    logs: secret,
    orders: '{"keys":[]}',
  }));
  kinesis = new KinesisClient(cloud.clientConfig);
  s3 = new S3Client(cloud.clientConfig);
  const asked = { StreamName: STREAM, ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' } as const;
  iterator = (await kinesis.send(new GetShardIteratorCommand(asked))).ShardIterator;
});

afterAll(async () => {
  for (const client of [kinesis, s3]) client?.destroy();
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What came onto the stream since the last time. */
async function arrived(): Promise<Record<string, unknown>[]> {
  const { Records = [], NextShardIterator } = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator! }));
  iterator = NextShardIterator;
  return Records.flatMap(({ Data }) =>
    Buffer.from(Data!)
      .toString('utf8')
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
}

async function quarantined(): Promise<Record<string, unknown>[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: LAKE, Prefix: 'archive/quarantine/' }));
  const texts = await Promise.all(
    Contents.map(async ({ Key }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: LAKE, Key: Key! }));
      return gunzipSync(await Body!.transformToByteArray()).toString('utf8');
    }),
  );
  return texts.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function send(source: string, { method = 'POST', headers, query = {}, key, body }: Sent) {
  const address = `${api}/v1/in/${source}${key === undefined ? '' : `/${key}`}?${new URLSearchParams(query)}`;
  const response = await fetch(address, {
    method,
    headers: { ...headers },
    ...(body !== undefined && { body: new Uint8Array(Buffer.from(body)) }),
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

const signed = (source: string, body: string | Uint8Array = GOOD[source]!.body, key = KEYS[0]) =>
  SIGN[source]!(body, key, Date.now());

test('a source without keys promises nothing', async () => {
  expect((await send('orders', signed('orders'))).status).toBe(503);
  const secrets = new SecretsManagerClient(cloud.clientConfig);
  // It is read again after five seconds, so that requests can not hammer the secret: the last but one test asks.
  expect(await putKey(secrets, 'orders', 'a-first-key')).toBe(1);
  secrets.destroy();
});

test('Stripe: signed bytes come through the API as they were, whatever they hold', async () => {
  const body = GOOD.billing!.body.replace('"eur"', '"eur","note":"Zoë \\u00e9 😀\\n  "').replace(',', ' ,\r\n ');
  expect(await send('billing', signed('billing', body))).toMatchObject({
    status: 200,
    text: '{"events":1,"refused":0}',
  });
  expect((await send('billing', { ...signed('billing', body), body: body.trim().replace('\r', '') })).status).toBe(401);
  expect(await arrived()).toMatchObject([
    { event_id: 'billing:evt_1', entity_id: 'ann', properties: { amount: '19.99', currency: 'eur' } },
  ]);
});

test('Salesforce: XML in, Ack out', async () => {
  expect(await send('crm', signed('crm'))).toMatchObject({
    status: 200,
    type: 'text/xml; charset=utf-8',
    text: expect.stringContaining('<Ack>true</Ack>'),
  });
  expect((await send('crm', { ...signed('crm'), key: 'a-wrong-key' })).status).toBe(401);
  expect((await arrived()).map(({ event_id }) => event_id)).toEqual(['crm:1', 'crm:2']);
});

test('X: a challenge, and a post', async () => {
  const asked = await send('x', { method: 'GET', query: { crc_token: 'token' } });
  expect([asked.status, asked.text]).toEqual([
    200,
    expect.stringMatching(/^\{"response_token":"sha256=[\w+/]{43}="\}$/),
  ]);
  expect((await send('x', signed('x'))).status).toBe(200);
  expect((await arrived()).length).toBe(1);
});

test('a packed body comes through as what it is, and under a type of text it does not', async () => {
  const sent = packed('logs', gzipSync(GOOD.logs!.body));
  expect((await send('logs', sent)).text).toBe('{}');
  expect((await arrived()).length).toBe(2);
  const asText = { ...sent.headers, 'content-type': 'application/json' };
  expect((await send('logs', { ...sent, headers: asText })).status).toBe(415);
});

test('a real OpenTelemetry SDK exports its logs', async () => {
  const failures: unknown[] = [];
  const exporter = new OTLPLogExporter({ url: `${api}/v1/in/logs`, headers: { authorization: `Bearer ${KEYS[1]}` } });
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor(exporter)] });
  const logger = provider.getLogger('shop');
  // A number in the past is an age for the SDK.
  const timestamp = new Date('2026-11-27T11:00:00.123Z');
  for (const total of [5, 7])
    logger.emit({ eventName: 'order.placed', timestamp, attributes: { 'user.id': 'eve', total } });
  logger.emit({ body: 'nobody asked for this one', severityText: 'INFO' });
  await provider.forceFlush().catch((error: unknown) => failures.push(error));
  await provider.shutdown();
  const events = (await arrived()).sort((a, b) =>
    JSON.stringify(a.properties).localeCompare(JSON.stringify(b.properties)),
  );
  expect(failures).toEqual([]);
  expect(events).toMatchObject(
    [5, 7].map((value) => ({
      entity_id: 'eve',
      event_type: 'activity',
      event_time: '2026-11-27T11:00:00.123Z',
      properties: { kind: 'order.placed', value },
    })),
  );
});

test('what can not be mapped lies in the quarantine with its bytes when its sender is told', async () => {
  const body = GOOD.billing!.body.replace('1795780740', '"soon"');
  expect(await send('billing', signed('billing', body))).toMatchObject({
    status: 200,
    text: '{"events":0,"refused":1}',
  });
  const [line, ...others] = await quarantined();
  expect(others).toEqual([]);
  expect(line).toMatchObject({
    shard_id: 'intake-billing-http',
    reason: 'INVALID_EVENT_TIME',
    raw_base64: Buffer.from(body).toString('base64'),
  });
  // The same again is the same line.
  await send('billing', signed('billing', body));
  expect((await quarantined()).length).toBe(1);
});

test('what was refused is given to the function once more, without a signature, by whom IAM lets call it', async () => {
  const [line] = await quarantined();
  const lambda = new LambdaClient(cloud.clientConfig);
  const given = [
    String(line!.raw_base64),
    Buffer.from(GOOD.billing!.body.replace('evt_1', 'evt_9')).toString('base64'),
  ];
  const redrive = given.map((raw_base64) => ({ raw_base64, received_ms: Date.now() }));
  const answered = await lambda.send(
    new InvokeCommand({ FunctionName: billing, Payload: Buffer.from(JSON.stringify({ redrive })) }),
  );
  lambda.destroy();
  expect(JSON.parse(Buffer.from(answered.Payload!).toString('utf8'))).toEqual({ taken: [false, true] });
  expect(await arrived()).toMatchObject([{ event_id: 'billing:evt_9' }]);
  // By a request it is only a body like any other.
  expect(
    (await send('billing', { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ redrive }) }))
      .status,
  ).toBe(401);
});

test('a source takes requests once it has a key', async () => {
  const until = Date.now() + 20_000;
  let status = 503;
  while (status === 503 && Date.now() < until) {
    ({ status } = await send('orders', signed('orders', undefined, 'a-first-key')));
    if (status === 503) await new Promise((done) => setTimeout(done, 200));
  }
  expect([status, (await arrived()).length]).toEqual([200, 1]);
});

test('where the stream is gone nothing is acknowledged', async () => {
  await kinesis.send(new DeleteStreamCommand({ StreamName: STREAM }));
  const answered = await send('billing', signed('billing'));
  expect([answered.status, answered.text]).toEqual([503, '{"message":"Not all of it could be taken; send it again."}']);
  expect(await cloud.accessDenied()).toEqual([]);
});
