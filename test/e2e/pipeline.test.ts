import { fileURLToPath } from 'node:url';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type SourceFiles, writeEvents } from '../../cli/commands/demo/history-source.ts';
import { Session } from '../../cli/commands/demo/session.ts';
import {
  backfillStates,
  checkConsistency,
  landHistory,
  type ReplayResult,
  readScoresTable,
  replayLive,
  trainModel,
  until,
} from '../../cli/commands/demo/stages.ts';
import { eraseEntity } from '../../cli/commands/erase/erase.ts';
import { featuresAt } from '../../cli/commands/features/at.ts';
import { Replayer, readEvents, type TimedEvent } from '../../cli/commands/replay/replay.ts';
import { rebuildTrainingSet } from '../../cli/commands/train/rebuild.ts';
import type { TrainedModel } from '../../cli/commands/train/train.ts';
import { useJava } from '../../cli/tools.ts';
import { readEndpoint } from '../../console/pipeline.ts';
import { requireModel } from '../../core/ir/parts.ts';
import { compareSequence } from '../../core/state/state.ts';
import { DAY } from '../../core/values/time.ts';
import { PREFIX } from '../../names/lake.ts';
import type { ConsistencyReport } from '../../names/reports.ts';
import { Progress } from '../../setup/progress.mjs';
import { askForAnother, containersOf } from './container.ts';
import { Subscriber } from './dead-letters.ts';
import { removeGrant } from './grants.ts';

const CUT = '2017-12-01T00:00:00Z';
const LIVE_DAYS = 4;
const HOUSEHOLDS = 150;
/** Grants of the processor, on its data and on the key of stream, table and lake; and when the next event is, ms. */
const GRANTS: [action: string, after: number][] = [
  ['dynamodb:BatchGetItem', 1_000],
  ['kms:Decrypt', 3_000],
];
const USE_CASE = fileURLToPath(new URL('usecase', import.meta.url));

let session: Session;
let live: TimedEvent[];
let states: number;
let model: TrainedModel;
let replay: ReplayResult;
let consistency: ConsistencyReport;

beforeAll(async () => {
  useJava();
  const { signal } = new AbortController();
  let files: SourceFiles | undefined;
  session = await Session.start(
    { usecase: USE_CASE, progress: new Progress(process.stderr), signal },
    async (folder) => {
      const last = new Date(Date.parse(CUT) + LIVE_DAYS * DAY).toISOString();
      files = await writeEvents({ usecase: 'churn', folder, cut: CUT, until: last, entities: HOUSEHOLDS, signal });
    },
  );
  live = await readEvents(files?.live ?? [], session.ir);
  await landHistory(session, files?.history ?? []);
  [states, model] = await Promise.all([backfillStates(session), trainModel(session, 'e2e', CUT)]);
  replay = await replayLive(session, live, Date.parse(CUT));
  consistency = await checkConsistency(session);
}, 2_400_000);

afterAll(() => session?.close());

describe('the deployed app, with IAM enforced', () => {
  test('backfills a state for every household', () => {
    expect(states).toBeGreaterThan(HOUSEHOLDS * 0.9);
    expect(states).toBeLessThanOrEqual(HOUSEHOLDS);
  });

  test('registers the model with its metrics and serves it', async () => {
    const { sagemaker } = session.connection.clients;
    const { ModelApprovalStatus, InferenceSpecification } = await sagemaker.send(
      new DescribeModelPackageCommand({ ModelPackageName: model.arn }),
    );
    expect(ModelApprovalStatus).toBe('Approved');
    // The machine compared it before this was deployed.
    expect(InferenceSpecification?.Containers?.[0]?.ModelDataETag).toMatch(/^[0-9a-f]{32}(-\d+)?$/);
    expect(model.training_set_id).toBe('e2e');
    expect(Number(model.metadata.auc_low)).toBeLessThanOrEqual(Number(model.metadata.auc));
    expect(await readEndpoint(sagemaker, model.endpoint ?? '')).toMatchObject({ status: 'InService' });
  });

  test('serves again after its container ended, with what the hosting role may read', async () => {
    const endpoint = model.endpoint ?? '';
    const before = await containersOf(session, endpoint);
    expect(before).toHaveLength(1);
    for (const id of before) process.kill(id, 'SIGKILL');
    await until(session, 'A new container', async () => {
      const now = await containersOf(session, endpoint);
      return now.length === 1 && now[0] !== before[0] && (await askForAnother(session, endpoint)) === 409;
    });
  });

  test('scores households, and every alert reaches Slack once', async () => {
    const { scores, alerts } = await readScoresTable(session);
    expect(scores.length).toBeGreaterThan(HOUSEHOLDS * 0.9);
    expect(alerts.length).toBeGreaterThan(0);
    expect(alerts.every(({ reasons }) => reasons.length > 0)).toBe(true);
    expect(session.slack.messages).toHaveLength(alerts.length);
    const text = JSON.stringify(session.slack.messages);
    for (const { entity_id } of alerts) expect(text).toContain(entity_id);
  });

  test('quarantines every bad record with its reason, and loses nothing else', async () => {
    const quarantine = await session.lake.quarantine();
    const found = new Map(quarantine.map((line) => [`${line.shard_id}/${line.sequence_number}`, line.reason]));
    expect(replay.bad.map(({ what, shard, sequence }) => [what, found.get(`${shard}/${sequence}`)])).toEqual(
      replay.bad.map(({ what, reason }) => [what, reason]),
    );
    expect(quarantine).toHaveLength(replay.bad.length);
    const archived = await session.lake.archivedIds();
    expect(live.filter(({ event }) => !archived.has(event.event_id))).toEqual([]);
    expect(await session.lake.keys(PREFIX.failedBatches)).toEqual([]);
  });

  test('serves vectors that the offline replay agrees with', () => {
    expect(consistency.checked).toBeGreaterThan(HOUSEHOLDS * LIVE_DAYS * 0.8);
    expect(consistency).toMatchObject({ mismatches: 0 });
  });

  test('needs no permission it does not have', async () => {
    expect(await session.cloud.accessDenied()).toEqual([]);
  });

  test('sends no request that AWS would refuse', async () => {
    const { operations, requests, members, refused } = await session.cloud.requestsChecked();
    console.error(`${requests} requests of ${operations} operations checked, ${members} members`);
    expect(refused).toEqual([]);
    expect(operations).toBeGreaterThan(50);
    expect(members).toBeGreaterThan(10_000);
  });

  test('rebuilds the training set to the same bytes, though later events came', async () => {
    const { connection, resources, signal } = session;
    const report = await rebuildTrainingSet(connection.clients, resources, 'e2e', { signal });
    expect(report).toMatchObject({ different: [], missing: [], unexpected: [] });
    expect(report.equal).toBeGreaterThanOrEqual(3);
  });

  test('says what was known, and erases an entity for good', async () => {
    const { connection, resources, signal, ir } = session;
    const { clients } = connection;
    const last = live.at(-1) as TimedEvent;
    const { entity_id } = last.event;
    const question = { entity_id, t: Date.parse(CUT), knowledge: 'asof' } as const;
    const answer = await featuresAt(clients, resources, question, { signal });
    expect(answer.events.length).toBeGreaterThan(0);
    expect(answer.events.some(({ status }) => status === 'counted')).toBe(true);
    expect(answer.features).toHaveLength(
      ir.views.find(({ name }) => name === requireModel(ir).model.view)?.features.length ?? 0,
    );
    expect(await session.lake.keys(PREFIX.timeTravel)).toEqual([]);

    const stores = await eraseEntity(clients, resources, entity_id, { signal });
    const taken = new Map(stores.map(({ store, taken }) => [store, taken]));
    for (const store of [
      'DynamoDB features',
      'DynamoDB scores and alerts',
      'events',
      'predictions',
      PREFIX.events,
      PREFIX.history,
      PREFIX.trainingSets,
    ])
      expect([store, taken.get(store)]).toEqual([store, expect.any(Number)]);
    expect(stores.filter(({ left }) => left > 0)).toEqual([]);
    expect(taken.get('events')).toBeGreaterThan(0);
    expect(taken.get(PREFIX.history)).toBeGreaterThan(0);

    // A replay of all its live events, followed by somebody else's, whose state tells that they were read.
    const other = live.findLast(({ event }) => event.entity_id !== entity_id) as TimedEvent;
    const replayer = new Replayer({ clients, resources, ir, signal });
    const mine = live.filter(({ event }) => event.entity_id === entity_id);
    await replayer.sendEvents(mine);
    const others = new Replayer({ clients, resources, ir, signal });
    const later = { ...other.event, event_id: 'after-the-erasure', available_at: last.available_at + 500 };
    await others.sendEvents([{ available_at: last.available_at + 500, event: later }]);
    await others.caughtUp();
    await until(session, 'That the replayed events were archived as nothing', async () => {
      const upTo = await session.lake.archivedUpTo();
      return replayer
        .lastPositions()
        .every(({ shard, sequence }) => compareSequence(upTo.get(shard) ?? '0', sequence) >= 0);
    });
    const again = await eraseEntity(clients, resources, entity_id, { signal });
    expect(again.map(({ store, taken, left }) => [store, taken, left])).toEqual(
      again.map(({ store }) => [store, 0, 0]),
    );
    const report = await rebuildTrainingSet(clients, resources, 'e2e', { signal });
    expect(report).toMatchObject({ different: [], missing: [], unexpected: [] });
    expect(report.erased).toBeGreaterThan(0);
    expect(await session.cloud.accessDenied()).toEqual([]);
  }, 1_200_000);

  // The last ones: they leave refusals on record.
  test.each(GRANTS)(
    'breaks when %s is taken away, and goes on when it is back',
    async (action, after) => {
      const { clients } = session.connection;
      // Not the erased one, which has no state any more.
      const last = live.findLast(({ event }) => event.entity_id !== live.at(-1)?.event.entity_id) as TimedEvent;
      const replayer = new Replayer({ clients, resources: session.resources, ir: session.ir, signal: session.signal });
      const later = (id: string, offset: number): TimedEvent => {
        const available_at = last.available_at + offset;
        return { available_at, event: { ...last.event, event_id: id, available_at } };
      };
      const version = async () => {
        const view = session.ir.views.find(({ name }) => name === requireModel(session.ir).model.view)?.version ?? '';
        const Key = { entity_id: { S: last.event.entity_id }, view: { S: view } };
        const { Item } = await clients.dynamodb.send(
          new GetItemCommand({ TableName: session.resources.get('featuresTable'), Key, ConsistentRead: true }),
        );
        return Number(Item?.version?.N);
      };
      const refused = async () => (await session.cloud.accessDenied()).filter((line) => line.action === action);
      const before = await version();
      const restore = await removeGrant(session, 'processor', action);
      try {
        await replayer.sendEvents([later(`without-${action}`, after)]);
        await until(session, `That ${action} was refused`, async () => (await refused()).length > 0, 240_000);
        expect(await version()).toBe(before);
      } finally {
        await restore();
      }
      await replayer.sendEvents([later(`with-${action}`, after + 1_000)]);
      await replayer.caughtUp();
      expect(await version()).toBeGreaterThan(before);
    },
    1_200_000,
  );

  test('keeps what the notifier cannot send, and what the topic cannot hand over', async () => {
    const notifier = await Subscriber.find(session, 'notifier');
    await notifier.publish('from nobody');
    await until(session, 'The dead letter', async () => (await notifier.failures()).length > 0, 240_000);
    const [failed] = await notifier.failures();
    expect(JSON.parse(failed?.Body ?? '').Records[0].Sns.Message).toBe('from nobody');
    expect(failed?.MessageAttributes?.ErrorMessage?.StringValue).toMatch(/^message: found no entity_id and kind/);
    expect(await notifier.leftovers()).toEqual([]);
    const restore = await notifier.shutOut();
    try {
      await notifier.publish('to nobody');
      await until(session, 'The undelivered message', async () => (await notifier.leftovers()).length > 0, 240_000);
      expect(await session.cloud.accessDenied()).toContainEqual(
        expect.objectContaining({ principal: 'sns.amazonaws.com', action: 'lambda:InvokeFunction' }),
      );
      expect(await notifier.failures()).toHaveLength(1);
    } finally {
      await restore();
    }
    const [left] = await notifier.leftovers();
    expect(JSON.parse(left?.Body ?? '')).toMatchObject({ Type: 'Notification', Message: 'to nobody' });
  }, 1_200_000);
});
