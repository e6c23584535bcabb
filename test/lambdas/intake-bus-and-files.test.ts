/** What comes over a partner's bus and as files, with the shipped bundles in the local cloud. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { AddPermissionCommand, CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { redrive, waiting } from '../../cli/commands/redrive/dead-letters.ts';
import { PYTHON } from '../../cli/paths.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { ENVIRONMENT, loadHandler } from './bundle.ts';
import { eventsOf, linesOf, until, usecase } from './intake-world.ts';

const PARTNER = 'aws.partner/salesforce.com/00D5g000004ABCDEAW/0YL1';
const ACCOUNT = '000000000000';
const queueArn = (name: string) => `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`;
const folder = mkdtempSync(join(tmpdir(), 'tidemark-intake-'));
const before = { ...process.env };
let cloud: LocalCloud;
let clients: { kinesis: KinesisClient; s3: S3Client; sqs: SQSClient; lambda: LambdaClient; iam: IAMClient };
const queues: Record<string, string> = {};

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  const config = cloud.clientConfig;
  clients = {
    kinesis: new KinesisClient(config),
    s3: new S3Client(config),
    sqs: new SQSClient(config),
    lambda: new LambdaClient(config),
    iam: new IAMClient(config),
  };
  await clients.kinesis.send(new CreateStreamCommand({ StreamName: 'events', ShardCount: 1 }));
  for (const Bucket of ['lake', 'landing']) await clients.s3.send(new CreateBucketCommand({ Bucket }));
  for (const name of ['dead', 'landed'])
    queues[name] = (await clients.sqs.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl!;
});

afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  for (const client of Object.values(clients ?? {})) client.destroy();
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const allow = (...statements: readonly (readonly [actions: readonly string[], resource: string])[]) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource })),
  });

/** As the command line gives refused records back. */
const again = (...raws: readonly (object | string)[]) => ({
  redrive: raws.map((raw) => ({
    raw_base64: Buffer.from(typeof raw === 'string' ? raw : JSON.stringify(raw)).toString('base64'),
    received_ms: 1,
  })),
});
const events = (of: string) => eventsOf(clients.kinesis, of);
const lines = (prefix: string) => linesOf(clients.s3, prefix);

describe("a partner's bus", () => {
  let role: string;
  const send = async (...details: readonly object[]) => {
    const entries = details.map((detail) => ({
      Source: PARTNER,
      DetailType: 'AccountChangeEvent',
      Detail: JSON.stringify(detail),
    }));
    await partner('PutPartnerEvents', { Entries: entries });
  };
  /** A partner's calls have no command in our own client of EventBridge. */
  const partner = async (operation: string, body: object) => {
    const program = [
      'import boto3, json, sys, os',
      'client = boto3.client("events", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")',
      'getattr(client, sys.argv[1])(**json.loads(sys.argv[2]))',
    ].join('\n');
    const name = operation.replace(/(?<!^)([A-Z])/g, '_$1').toLowerCase();
    execFileSync(PYTHON, ['-c', program, name, JSON.stringify(body)], { env: { ...process.env, ...cloud.env } });
  };
  const detail = (over: object, fields: object = { Industry: 'Energy' }) => ({
    payload: {
      ChangeEventHeader: {
        ...{ entityName: 'Account', changeType: 'UPDATE', recordIds: ['001A'], transactionKey: 't1' },
        ...{ sequenceNumber: 1, commitTimestamp: 1_700_000_000_000, nulledFields: [] },
        ...over,
      },
      ...fields,
    },
  });
  const permit = (stream: boolean) =>
    clients.iam.send(
      new PutRolePolicyCommand({
        RoleName: 'intake',
        PolicyName: 'grants',
        PolicyDocument: allow(
          ...(stream
            ? ([[['kinesis:PutRecords'], `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/events`]] as const)
            : []),
          [['s3:PutObject'], 'arn:aws:s3:::lake/*'],
          [['sqs:SendMessage'], queueArn('dead')],
          [['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'], '*'],
        ),
      }),
    );

  beforeAll(async () => {
    // Only to be bundled; it runs in the local cloud.
    const environment = { ...cloud.env, ...ENVIRONMENT, SOURCE: 'crm', CARRIAGE: 'bus' };
    await loadHandler('intake-event/handler.ts', folder, environment, { usecase });
    const built = join(folder, 'intake-event-handler.ts');
    const files = ['index.mjs', 'usecase.json'].map((name) => join(built, name));
    execFileSync(PYTHON, ['-m', 'zipfile', '-c', join(folder, 'fn.zip'), ...files]);
    const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const made = await clients.iam.send(
      new CreateRoleCommand({
        RoleName: 'intake',
        AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
      }),
    );
    role = made.Role!.Arn!;
    await permit(true);
    const { AWS_ENDPOINT_URL: _, ...own } = ENVIRONMENT as Record<string, string>;
    const { FunctionArn } = await clients.lambda.send(
      new CreateFunctionCommand({
        FunctionName: 'crm',
        Role: role,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Timeout: 60,
        Code: { ZipFile: readFileSync(join(folder, 'fn.zip')) },
        DeadLetterConfig: { TargetArn: queueArn('dead') },
        Environment: { Variables: { ...own, SOURCE: 'crm', CARRIAGE: 'bus' } },
      }),
    );
    await clients.lambda.send(
      new AddPermissionCommand({
        FunctionName: 'crm',
        StatementId: 'rule',
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
      }),
    );
    await partner('CreatePartnerEventSource', { Name: PARTNER, Account: ACCOUNT });
    await partner('CreateEventBus', { Name: PARTNER, EventSourceName: PARTNER });
    await partner('PutRule', {
      Name: 'crm',
      EventBusName: PARTNER,
      EventPattern: JSON.stringify({ source: [PARTNER] }),
    });
    await partner('PutTargets', {
      ...{ Rule: 'crm', EventBusName: PARTNER },
      Targets: [{ Id: 'one', Arn: FunctionArn, DeadLetterConfig: { Arn: queueArn('dead') } }],
    });
  });

  test('each record of a change is an event, again with the same id; a gap and what is no change are kept', async () => {
    const merged = detail({ recordIds: ['001A', '001B'] });
    await send(merged, merged, detail({ changeType: 'GAP_UPDATE' }, {}), { payload: { Order__c: 1 } });
    const found = await until(
      () => events('crm'),
      (all) => all.length >= 4,
    );
    expect(found.map(({ event_id }) => event_id).sort()).toEqual([
      'crm:t1:1:001A',
      'crm:t1:1:001A',
      'crm:t1:1:001B',
      'crm:t1:1:001B',
    ]);
    expect(found[0]!.properties).toEqual({ industry: 'Energy' });
    const gaps = await until(
      () => lines('sources/gaps/'),
      (all) => all.length >= 1,
    );
    expect(gaps).toMatchObject([{ source: 'crm', kind: 'GAP_UPDATE', detail: 'Account: 1 ids' }]);
    const refused = await until(
      () => lines('archive/quarantine/'),
      (all) => all.length >= 1,
    );
    expect(refused).toMatchObject([{ shard_id: 'intake-crm-bus', reason: 'INVALID_ENVELOPE' }]);
    expect(Buffer.from(String(refused[0]!.raw_base64), 'base64').toString()).toBe('{"payload":{"Order__c":1}}');
  });

  test('what its map refuses drifts, and is taken back by a call of its own', async () => {
    const nobody = detail({ transactionKey: 't3', commitTimestamp: 'soon' });
    const Payload = Buffer.from(JSON.stringify(again(nobody, detail({ transactionKey: 't4' }))));
    const answered = await clients.lambda.send(new InvokeCommand({ FunctionName: 'crm', Payload }));
    expect(JSON.parse(Buffer.from(answered.Payload!).toString())).toEqual({ taken: [false, true] });
    expect((await events('crm')).map(({ event_id }) => event_id)).toContain('crm:t4:1:001A');
    expect(await lines('reports/drift/')).toMatchObject([
      {
        ...{ kind: 'changed_type', source: 'crm', schema_version: 1, found: 'string', allowed: 'number' },
        field: '/ChangeEventHeader/commitTimestamp',
      },
    ]);
  });

  test('what the stream does not take is tried again, waits as it was, and comes in by tidemark redrive', async () => {
    const dead = {
      url: queues.dead!,
      name: 'CrmBusFnDeadLetters',
      receiver: { kind: 'function', name: 'crm' },
    } as const;
    await permit(false);
    await send(detail({ transactionKey: 't2' }));
    expect(
      await until(
        () => waiting(clients, dead),
        (n) => n === 1,
      ),
    ).toBe(1);
    expect((await cloud.accessDenied()).filter(({ action }) => action === 'kinesis:PutRecords').length).toBeGreaterThan(
      2,
    );
    expect((await events('crm')).map(({ event_id }) => event_id)).not.toContain('crm:t2:1:001A');
    await permit(true);
    expect(await redrive({ ...clients, sfn: null, sns: null } as never, dead)).toEqual({ sent: 1, failed: [] });
    expect((await events('crm')).map(({ event_id }) => event_id)).toContain('crm:t2:1:001A');
    expect(await waiting(clients, dead)).toBe(0);
  });
});

describe('files that land', () => {
  type Handler = Awaited<ReturnType<typeof loadHandler>>;
  let handler: Handler;
  const context = { getRemainingTimeInMillis: () => 60_000 };

  beforeAll(async () => {
    const s3 = { Effect: 'Allow', Principal: { Service: 's3.amazonaws.com' }, Action: 'sqs:SendMessage' };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ ...s3, Resource: queueArn('landed') }] });
    await clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl: queues.landed, Attributes: { Policy } }));
    await clients.s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: 'landing',
        NotificationConfiguration: {
          QueueConfigurations: [
            {
              QueueArn: queueArn('landed'),
              Events: ['s3:ObjectCreated:*'],
              Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'landing/shop/' }] } },
            },
          ],
        },
      }),
    );
    const environment = { ...cloud.env, ...ENVIRONMENT, SOURCE: 'shop', CARRIAGE: 'files' };
    handler = await loadHandler('intake-files/handler.ts', folder, environment, { usecase });
  });

  /** What the queue has, handed to the function as its mapping does. */
  async function deliver(): Promise<unknown> {
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queues.landed, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
    );
    for (const { ReceiptHandle } of Messages)
      await clients.sqs.send(new DeleteMessageCommand({ QueueUrl: queues.landed, ReceiptHandle }));
    expect(Messages.length).toBeGreaterThan(0);
    return handler({ Records: Messages.map(({ MessageId, Body }) => ({ messageId: MessageId, body: Body })) }, context);
  }
  const put = (key: string, content: string | Buffer) =>
    clients.s3.send(new PutObjectCommand({ Bucket: 'landing', Key: `landing/shop/${key}`, Body: content }));
  const HEADER = 'account,at,amount\n';
  const ROWS = ['a1,2026-01-01T00:00:00Z,1.50', 'a2,2026-01-01T00:00:00Z,2', 'a1,2026-01-01T00:00:00Z,1.50'];

  test('are read row by row; a bad row is kept, and the same file under another name is the same events', async () => {
    await put('März 1+2.csv', `${HEADER}${ROWS.join('\n')}\nbroken\n`);
    expect(await deliver()).toEqual({ batchItemFailures: [] });
    const first = (await events('shop')).map(({ event_id }) => event_id);
    expect([first.length, new Set(first).size]).toEqual([3, 3]);
    const refused = (await lines('archive/quarantine/')).filter(({ shard_id }) => shard_id === 'intake-shop-files');
    expect(refused).toMatchObject([{ reason: 'INVALID_ENVELOPE', detail: expect.stringContaining('line 5') }]);
    expect(Buffer.from(String(refused[0]!.raw_base64), 'base64').toString()).toBe(`${HEADER}broken`);
    await put('again.csv.gz', gzipSync(`${HEADER}${ROWS.join('\r\n')}`));
    expect(await deliver()).toEqual({ batchItemFailures: [] });
    const both = (await events('shop')).map(({ event_id }) => event_id);
    expect([both.length, new Set(both)]).toEqual([6, new Set(first)]);
  });

  test('one that is damaged fails alone, one that is too large is left, and a refused row is taken back', async () => {
    await put('damaged.csv.gz', gzipSync(HEADER.repeat(200)).subarray(0, 30));
    await put('good.csv', `${HEADER}a9,2026-01-02T00:00:00Z,3\n`);
    const { batchItemFailures } = (await deliver()) as { batchItemFailures: object[] };
    const failed = batchItemFailures.length;
    if ((await events('shop')).every(({ entity_id }) => entity_id !== 'a9')) await deliver();
    expect([failed, (await events('shop')).filter(({ entity_id }) => entity_id === 'a9').length]).toEqual([1, 1]);
    const large = {
      ...{ eventName: 'ObjectCreated:Put', eventTime: '2026-01-01T00:00:00.000Z' },
      s3: { bucket: { name: 'landing' }, object: { key: 'landing/shop/none.csv', size: 60 * 1024 * 1024 } },
    };
    const message = (body: object) => ({ Records: [{ messageId: 'm', body: JSON.stringify(body) }] });
    expect(await handler(message({ Records: [large] }), context)).toEqual({ batchItemFailures: [] });
    expect(await handler(message({ Event: 's3:TestEvent' }), context)).toEqual({ batchItemFailures: [] });
    expect(await handler(message({ Message: 'x' }), context)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] });
    const good = { account: 'a8', at: '2026-01-03T00:00:00Z', amount: '4' };
    const given = again(good, { account: 'a8' }, `${HEADER}a7,2026-01-03T00:00:00Z,5`);
    expect(await handler(given, context)).toEqual({ taken: [true, false, true] });
    expect((await events('shop')).map(({ entity_id }) => entity_id)).toContain('a7');
  });
});
