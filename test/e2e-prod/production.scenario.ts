import { join } from 'node:path';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { DescribeEndpointCommand, UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { ListTopicsCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Session } from '../../cli/demo/session.ts';
import { backfillStates, landHistory, readScoresTable, trainModel, until } from '../../cli/demo/stages.ts';
import { useJava } from '../../cli/tools.ts';
import type { TrainedModel } from '../../cli/trained-model.ts';
import { LOCAL_CLOUD_DIFFERENCES } from '../../lib/config/on-local-cloud.ts';
import { prod } from '../../lib/config/prod.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { Progress } from '../../setup/progress.mjs';
import { alarms, ringing } from './alarms.ts';
import { daysUntilNow, type Events, eventsUpTo } from './events.ts';
import { Traffic } from './traffic.ts';
import { writeUseCase } from './usecase-folder.ts';

const HOUSEHOLDS = 120;
/** An event is scored within this time, whatever happens beside it. */
const SCORED_MS = 60_000;
const STARTED = Date.now();
const DAYS = daysUntilNow(STARTED);

let session: Session;
let events: Events;
let traffic: Traffic;
let model: TrainedModel;

const status = async () => {
  const { sagemaker } = session.connection.clients;
  const { EndpointStatus } = await sagemaker.send(
    new DescribeEndpointCommand({ EndpointName: session.resources.get('endpoint') }),
  );
  return EndpointStatus;
};

const sweep = async () => {
  const { FunctionError, Payload } = await session.connection.clients.lambda.send(
    new InvokeCommand({ FunctionName: session.resources.get('sweepFunction'), Payload: Buffer.from('{}') }),
  );
  const text = Buffer.from(Payload ?? []).toString('utf8');
  if (FunctionError) throw new Error(`the sweep failed: ${text}`);
  return JSON.parse(text) as { readonly scored: number; readonly alerts: number };
};

beforeAll(async () => {
  useJava();
  const { signal } = new AbortController();
  const { mkdtempSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const usecase = writeUseCase(mkdtempSync(join(tmpdir(), 'tidemark-prod-')), { days: DAYS, changed: false });
  session = await Session.start(
    { stage: 'prod', usecase, progress: new Progress(process.stderr), signal },
    async (folder) => {
      events = await eventsUpTo(STARTED, folder, HOUSEHOLDS, signal);
    },
  );
  traffic = new Traffic(
    session,
    events.live.filter(({ event_type }) => event_type === 'basket'),
  );
}, 600_000);

afterAll(() => session?.close(), 60_000);

describe('what differs from an account', () => {
  test('is one small object', () => {
    console.log(`prod on the local cloud differs by ${JSON.stringify(LOCAL_CLOUD_DIFFERENCES, null, 2)}`);
    expect(LOCAL_CLOUD_DIFFERENCES).toEqual({
      cloud: 'local',
      environment: { account: '000000000000', region: 'us-east-1' },
      processor: { timeoutSeconds: 10, joinAfterSeconds: 11 },
      archiver: { batchingWindowSeconds: 2 },
      batch: { workers: 2 },
      training: { pollSeconds: 1 },
    });
    const deployed = loadStage('prod', 'local');
    expect(deployed).toMatchObject({ ...LOCAL_CLOUD_DIFFERENCES });
    for (const part of [
      'protection',
      'encryption',
      'stream',
      'endpoint',
      'sweep',
      'scorer',
      'alarms',
      'clock',
    ] as const)
      expect(deployed[part]).toEqual(prod[part]);
    expect(deployed.training.approval).toBe('manual');
  });
});

describe('the first day, without a model', () => {
  test('events are counted, nobody is scored, and no critical alarm rings', async () => {
    for (let sent = 0; sent < 5; sent += 1) await traffic.send();
    await sweep();
    expect((await alarms(session)).length).toBeGreaterThan(50);
    expect(await ringing(session, 'CRITICAL')).toEqual([]);
    expect((await readScoresTable(session)).scores).toEqual([]);
  });
});

describe('history, training, approval', () => {
  test('a model is trained and waits for a person', async () => {
    await landHistory(session, events.history);
    expect(await backfillStates(session)).toBeGreaterThan(HOUSEHOLDS * 0.9);
    model = await trainModel(session, 'prod');
    expect(model.endpoint).toBeNull();
    await expect(status()).rejects.toMatchObject({ name: 'ValidationException' });
  }, 300_000);

  test('approved, it is deployed, events are scored and an alert reaches Slack', async () => {
    const { sagemaker } = session.connection.clients;
    await sagemaker.send(
      new UpdateModelPackageCommand({ ModelPackageArn: model.arn, ModelApprovalStatus: 'Approved' }),
    );
    await until(
      session,
      'That the approved model is in service',
      async () => (await status().catch(() => undefined)) === 'InService',
    );
    traffic.start();
    await until(session, 'That events are scored', async () => (await readScoresTable(session)).scores.length > 0);
    expect((await sweep()).scored).toBeGreaterThan(0);
    const { alerts } = await readScoresTable(session);
    expect(alerts.length).toBeGreaterThan(0);
    await until(session, 'That each alert reached Slack', async () => session.slack.messages.length >= alerts.length);
  }, 300_000);
});

describe('alarms', () => {
  test('one that rings reaches whoever listens to the topic', async () => {
    const { clientConfig } = session.cloud;
    const [sns, sqs] = [new SNSClient(clientConfig), new SQSClient(clientConfig)];
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'alarms' }));
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    const [{ AlarmActions: [topic] = [] } = {}] = await alarms(session);
    expect((await sns.send(new ListTopicsCommand({}))).Topics?.map(({ TopicArn }) => TopicArn)).toContain(topic);
    await sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: 'sqs', Endpoint: Attributes?.QueueArn }));
    void ReceiveMessageCommand;
  });

  test('nobody was left unscored, and nothing was refused', async () => {
    await traffic.stop();
    await until(session, 'That every event is scored', async () => (await traffic.unscored(0)).length === 0, SCORED_MS);
    expect(await session.cloud.accessDenied()).toEqual([]);
  }, 120_000);
});
