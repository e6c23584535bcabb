import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { ListEndpointsCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Session } from '../../cli/commands/demo/session.ts';
import { landHistory, readScoresTable, trainModel, until } from '../../cli/commands/demo/stages.ts';
import { badRecords } from '../../cli/commands/replay/bad-records.ts';
import { Replayer } from '../../cli/commands/replay/replay.ts';
import type { TrainedModel } from '../../cli/commands/train/train.ts';
import type { Resources } from '../../cli/stage/resources.ts';
import { useJava } from '../../cli/tools.ts';
import { onlineView } from '../../core/ir/parts.ts';
import { Progress } from '../../setup/progress.mjs';
import { AlarmInbox } from './alarm-inbox.ts';
import { alarms, criticalAlarms } from './alarms.ts';
import { App, CLOUD, LONG_MS } from './app.ts';
import { Checkout } from './checkout.ts';
import { tidemark } from './command.ts';
import { definition } from './definition.ts';
import { daysUntilNow, type Events, eventsUpTo } from './events.ts';
import { BROKEN, registerLike, SLOW } from './models.ts';
import { Orders } from './orders.ts';
import { Traffic } from './traffic.ts';
import { writeUseCase } from './usecase-folder.ts';

const HOUSEHOLDS = 120;
/** Whatever happens beside it, an event is scored within this time. */
const SCORED_MS = 120_000;
const STARTED = Date.now();
const DAYS = daysUntilNow(STARTED);
/** Events and features alone. */
const SPENDING = fileURLToPath(new URL('../fixtures/usecases/spending', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'tidemark-usecase-'));
const checkout = new Checkout();
let session: Session;
let app: App;
let events: Events;
let traffic: Traffic;
let inbox: AlarmInbox;
let first: TrainedModel;
let second: TrainedModel;

/** Of all that was sent up to now. */
const nobodyUnscored = () => {
  const sent = traffic.sent();
  expect(sent.size).toBeGreaterThan(0);
  return until(
    session,
    'That every event was scored',
    async () => (await traffic.unscored(sent)).length === 0,
    SCORED_MS,
  );
};

beforeAll(async () => {
  useJava();
  const { signal } = new AbortController();
  const usecase = writeUseCase(folder, { days: DAYS, changed: false });
  session = await Session.start(
    { stage: 'prod', usecase, cloud: CLOUD, progress: new Progress(process.stderr), signal },
    async (run) => {
      events = await eventsUpTo(STARTED, run, HOUSEHOLDS, signal);
    },
  );
  app = new App(session);
  const baskets = events.live.filter(({ event_type }) => event_type === 'basket');
  traffic = new Traffic(session, baskets);
  const [topic = ''] = (await alarms(session)).flatMap(({ AlarmActions }) => AlarmActions ?? []);
  inbox = await AlarmInbox.subscribe(session, topic);
}, LONG_MS);

beforeEach(() => {
  process.stderr.write(`· ${expect.getState().currentTestName}\n`);
});

afterAll(async () => {
  await traffic?.stop();
  await session?.close();
  checkout.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('the first day, without a model', () => {
  test(
    'events are counted, nobody is scored, and no critical alarm rings',
    async () => {
      for (let sent = 0; sent < 5; sent += 1) await traffic.send();
      await app.sweep();
      expect((await alarms(session)).length).toBeGreaterThan(50);
      expect(await app.scores()).toEqual([]);
      expect(await criticalAlarms(session)).toEqual([]);
      expect([...(await inbox.rang())]).toEqual([]);
    },
    LONG_MS,
  );
});

describe('history, training, approval', () => {
  test(
    'a model is trained and waits for a person',
    async () => {
      await landHistory(session, events.history);
      await tidemark(session, 'features', 'backfill', '--stage', 'prod');
      first = await trainModel(session, 'prod-1');
      expect(first.endpoint).toBeNull();
      expect(await app.served()).toBeUndefined();
      expect(await tidemark(session, 'model', 'ls', '--stage', 'prod')).toContain('PendingManualApproval');
    },
    LONG_MS,
  );

  test(
    'approved in the registry, it is deployed; events are scored, and alerts reach Slack',
    async () => {
      expect(await app.approveInRegistry(first.arn)).toBe('SUCCEEDED');
      expect(await app.serves(first.version)).toBe(true);
      traffic.start();
      await until(session, 'That events are scored', async () => (await app.scores()).length > 0, LONG_MS);
      expect((await app.sweep()).scored).toBeGreaterThan(0);
      const { alerts } = await readScoresTable(session);
      expect(alerts.length).toBeGreaterThan(0);
      await until(session, 'That each alert reached Slack', async () => session.slack.messages.length >= alerts.length);
    },
    LONG_MS,
  );

  test(
    'an alarm that rings reaches whoever listens to the topic',
    async () => {
      const { clients } = session.connection;
      const replayer = new Replayer({ clients, resources: session.resources, ir: session.ir, signal: session.signal });
      const [example] = events.live;
      if (!example) throw new Error('there is no live event');
      const bad = badRecords(session.ir, example, Date.now()).filter(({ reason }) => reason === 'MALFORMED_JSON');
      for (let sent = 0; sent < 12; sent += 1) await replayer.sendRaw(bad);
      await until(
        session,
        'That the alarm was told',
        async () => (await inbox.rang()).has('prod/churn/QuarantineMalformedJson'),
        LONG_MS,
      );
    },
    LONG_MS,
  );
});

describe('a changed view, while events go on', () => {
  test(
    'both versions are kept up, and the new one takes over without anybody left unscored',
    async () => {
      await tidemark(session, 'features', 'release', '--usecase', folder);
      writeUseCase(folder, { days: DAYS, changed: true });
      await session.deploy();
      await tidemark(session, 'features', 'backfill', '--stage', 'prod');
      second = await trainModel(session, 'prod-2');
      const { version, definition_hash } = onlineView(definition({ days: DAYS, changed: true }));
      expect(second.metadata.definition_hash).toBe(definition_hash);
      expect(version).not.toBe(onlineView(session.ir).version);
      expect(await app.approveInRegistry(second.arn)).toBe('SUCCEEDED');
      expect(await app.serves(second.version)).toBe(true);
      await tidemark(session, 'features', 'release', '--usecase', folder);
      expect(JSON.parse(readFileSync(join(folder, 'released.json'), 'utf8')).views[0].version).toBe(version);
      await session.deploy();
      await nobodyUnscored();
    },
    LONG_MS,
  );
});

describe('a bad model', () => {
  test.each([
    ['answers 500', BROKEN, 'CanaryErrors'],
    ['is slow', SLOW, 'CanaryLatency'],
  ])(
    'that %s is rolled back by its alarm, and nobody is left unscored',
    async (what, more, alarm) => {
      const arn = await registerLike(session, second.arn, `bad-${what.replaceAll(' ', '-')}`, more);
      const ended = await app.approveInRegistry(arn);
      expect(ended).toMatch(/^FAILED DeploymentFailed/);
      // Not because it did not start: the canary was asked, and its own alarm rang.
      expect(ended).toContain(alarm);
      expect(await app.serves(second.version)).toBe(true);
      await nobodyUnscored();
    },
    LONG_MS,
  );
});

describe('going back', () => {
  test(
    'a command brings the version before, whose model knows its definition',
    async () => {
      const good = await registerLike(session, second.arn, 'good', '');
      const said = await tidemark(session, 'model', 'approve', '--stage', 'prod');
      const version = Number(good.split('/').at(-1));
      expect(said).toContain(`${version}`);
      expect(await app.serves(version)).toBe(true);
      await tidemark(session, 'model', 'rollback', '--stage', 'prod');
      expect(await app.serves(second.version)).toBe(true);
      await nobodyUnscored();
    },
    LONG_MS,
  );
});

describe('a second deploy', () => {
  test(
    'that changes model/ leaves the serving container its code, also when it has to start again',
    async () => {
      checkout.edit('model/inference.py', '"""Serves', '"""Another revision. Serves');
      await session.deploy({ root: checkout.root });
      const endpoints = join(session.cloud.stateDir, 'sagemaker', 'endpoints');
      const pids = () =>
        readdirSync(endpoints, { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith('/pid'))
          .map((file) => Number(readFileSync(join(endpoints, file), 'utf8')));
      const before = pids();
      expect(before.length).toBeGreaterThan(0);
      for (const pid of before) process.kill(pid, 'SIGKILL');
      await until(
        session,
        'That the containers started again',
        async () => pids().every((pid) => !before.includes(pid)),
        LONG_MS,
      );
      expect(await app.serves(second.version)).toBe(true);
      await nobodyUnscored();
    },
    LONG_MS,
  );
});

describe('a second use case in the stage', () => {
  let second: Resources;
  const spending = ['--stage', 'prod', '--usecase', 'spending'] as const;

  test(
    'has outputs, metrics, alarms and commands of its own',
    async () => {
      const before = new Set((await alarms(session)).map(({ AlarmName }) => AlarmName));
      second = await session.deploy({ usecase: SPENDING, root: checkout.root });
      expect(second.get('stream')).not.toBe(session.resources.get('stream'));
      expect(second.get('featuresTable')).not.toBe(session.resources.get('featuresTable'));
      const added = (await alarms(session)).filter(({ AlarmName }) => !before.has(AlarmName));
      expect(added.length).toBeGreaterThan(25);
      expect(added.every(({ AlarmName }) => AlarmName?.startsWith('prod/spending/'))).toBe(true);
      await expect(tidemark(session, 'model', 'ls', '--stage', 'prod')).rejects.toThrow(/say which with --usecase/);
      for (const command of [['model', 'ls'], ['train']])
        await expect(tidemark(session, ...command, ...spending)).rejects.toThrow(/has no model/);
      expect(await tidemark(session, 'model', 'ls', '--stage', 'prod', '--usecase', 'churn')).toContain('Approved');
    },
    LONG_MS,
  );

  test(
    'of events and features alone takes events, and keeps features',
    async () => {
      const orders = new Orders(session, folder, spending);
      let sent = 0;
      await until(
        session,
        'That the event is in a state',
        async () => {
          sent += 1;
          await orders.put(sent);
          return (await orders.states(second.get('featuresTable'))).length === 1;
        },
        SCORED_MS,
      );
    },
    LONG_MS,
  );

  test('nothing was refused on the way', async () => {
    await traffic.stop();
    await nobodyUnscored();
    expect(await session.cloud.accessDenied()).toEqual([]);
    expect((await inbox.rang()).has('prod/churn/ScorerErrors')).toBe(false);
  });
});

describe('the end', () => {
  test(
    'protected, nothing is deleted; with the protection lifted, nothing is left',
    async () => {
      const destroy = (usecase: string) =>
        tidemark(session, 'destroy', '--stage', 'prod', '--usecase', usecase, '--yes');
      await expect(destroy('churn')).rejects.toThrow(/is protected/);
      checkout.edit(
        'lib/config/prod.ts',
        '{ allowDestroy: false, terminationProtection: true, deletionProtection: true }',
        '{ allowDestroy: true, terminationProtection: false, deletionProtection: false }',
      );
      for (const usecase of [folder, SPENDING]) await session.deploy({ usecase, root: checkout.root });
      for (const usecase of ['churn', 'spending']) await destroy(usecase);
      const { dynamodb, s3, sagemaker } = session.connection.clients;
      expect((await dynamodb.send(new ListTablesCommand({}))).TableNames).toEqual([]);
      expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).toEqual([
        expect.stringMatching(/^cdk-/),
      ]);
      expect((await sagemaker.send(new ListEndpointsCommand({}))).Endpoints).toEqual([]);
      expect((await sagemaker.send(new ListModelsCommand({}))).Models).toEqual([]);
      expect(await alarms(session)).toEqual([]);
    },
    LONG_MS,
  );
});
