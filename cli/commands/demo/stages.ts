import { setTimeout as sleep } from 'node:timers/promises';
import { paginateScan, type ScanCommandInput } from '@aws-sdk/client-dynamodb';
import { scanScores } from '../../../console/scores.ts';
import { onlineView } from '../../../core/ir/parts.ts';
import { compareSequence } from '../../../core/state/state.ts';
import { PREFIX } from '../../../names/lake.ts';
import type { ConsistencyReport } from '../../../names/reports.ts';
import type { TrainingRequest } from '../../../names/retraining.ts';
import { CliError } from '../../errors.ts';
import { runGlueJob } from '../../stage/jobs.ts';
import { uploadHistory } from '../history/files.ts';
import { type BadRecord, badRecords } from '../replay/bad-records.ts';
import { byDay, Replayer, type TimedEvent } from '../replay/replay.ts';
import { runTraining, type TrainedModel } from '../train/train.ts';
import type { Session } from './session.ts';

const POLL_MS = 300;
const SETTLE_MS = 120_000;

/** Waits until `done` says so. @throws CliError with `what` when it does not within two minutes */
export async function until(
  session: Session,
  what: string,
  done: () => Promise<boolean>,
  withinMs = SETTLE_MS,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await done())) {
    if (Date.now() > deadline) throw new CliError(`${what} did not happen within ${withinMs / 1000} s.`);
    await sleep(POLL_MS, undefined, { signal: session.signal });
  }
}

/** Files → Iceberg, by the land job. */
export async function landHistory(session: Session, files: readonly string[]): Promise<void> {
  const { clients } = session.connection;
  await session.timed(
    'upload',
    'Upload the history',
    () => uploadHistory(clients.s3, session.resources.get('lakeBucket'), files),
    kib,
  );
  await session.timed('land', 'Land the history in Iceberg (Glue)', (step) =>
    runGlueJob(clients, session.resources, 'landHistory', {}, { signal: session.signal, onState: step.update }),
  );
}

const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;

/** Iceberg → DynamoDB: states of all entities, and the fence that opens the view. */
export async function backfillStates(session: Session): Promise<number> {
  const { clients } = session.connection;
  return session.timed(
    'backfill',
    'Backfill the online states (Glue)',
    async (step) => {
      await runGlueJob(
        clients,
        session.resources,
        'backfillStates',
        {},
        { signal: session.signal, onState: step.update },
      );
      return countStates(session);
    },
    (states) => `${states} states`,
  );
}

async function countStates(session: Session): Promise<number> {
  const view = onlineView(session.ir).version;
  let count = 0;
  const scan: ScanCommandInput = {
    TableName: session.resources.get('featuresTable'),
    Select: 'COUNT',
    FilterExpression: '#view = :view AND NOT begins_with(entity_id, :internal)',
    ExpressionAttributeNames: { '#view': 'view' },
    ExpressionAttributeValues: { ':view': { S: view }, ':internal': { S: '#' } },
  };
  for await (const { Count = 0 } of paginateScan({ client: session.connection.clients.dynamodb }, scan)) count += Count;
  return count;
}

export function trainModel(session: Session, trainingSetId: string, asOf?: string): Promise<TrainedModel> {
  return train(session, 'training', 'Train, gate, register and deploy the model (Step Functions)', {
    training_set_id: trainingSetId,
    ...(asOf === undefined ? {} : { as_of: asOf }),
  });
}

/** A training that keeps its time by the step's name. */
export function train(
  session: Session,
  step: string,
  title: string,
  request: Omit<TrainingRequest, 'force'>,
): Promise<TrainedModel> {
  const { connection, resources, signal } = session;
  return session.timed(
    step,
    title,
    ({ update }) =>
      runTraining(connection.clients, resources, { ...request, force: true }, { signal, onState: update }),
    ({ version }) => `model version ${version}`,
  );
}

export interface ReplayResult {
  readonly good: number;
  readonly bad: readonly (BadRecord & { readonly shard: string; readonly sequence: string })[];
  readonly days: number;
  readonly swept: number;
  readonly retried: number;
}

/**
 * Live events through Kinesis, day by day, with a sweep for silent customers at the end of each day, and one record of
 * every bad kind in the middle.
 * @param from ms UTC, a midnight
 */
export async function replayLive(
  session: Session,
  events: readonly TimedEvent[],
  from: number,
  maxDays = Number.POSITIVE_INFINITY,
): Promise<ReplayResult> {
  const { ir, connection, resources, signal } = session;
  const replayer = new Replayer({ clients: connection.clients, resources, ir, signal });
  const days = byDay(events, from).slice(0, maxDays);
  const middle = Math.floor(days.length / 2);
  let bad: ReplayResult['bad'] = [];
  let good = 0;
  let swept = 0;
  await session.timed(
    'replay',
    `Replay ${days.length} days through Kinesis`,
    async (step) => {
      for (const [index, day] of days.entries()) {
        const date = new Date(day.now - 1).toISOString().slice(0, 10);
        step.update(`${date}: ${good} events`);
        await replayer.sendEvents(day.events);
        good += day.events.length;
        const example = day.events.at(-1);
        if (index >= middle && bad.length === 0 && example) {
          bad = await replayer.sendRaw(badRecords(ir, example.event, example.available_at));
        }
        await replayer.caughtUp();
        await replayer.scored();
        step.update(`${date}: ${good} events, sweep`);
        await replayer.sweep(day.now);
        swept += 1;
      }
    },
    () => `${good} events, ${bad.length} bad records, ${swept} sweeps`,
  );
  await session.timed('settle', 'Wait until nothing is on its way', () => settle(session, replayer, bad));
  return { good, bad, days: days.length, swept, retried: replayer.retried };
}

/** Quarantine complete, archive complete, every alert sent. */
async function settle(session: Session, replayer: Replayer, bad: ReplayResult['bad']): Promise<void> {
  const { lake } = session;
  await until(session, 'That every bad record reached the quarantine', async () => {
    const found = new Set(
      (await lake.quarantine()).map(({ shard_id, sequence_number }) => `${shard_id}/${sequence_number}`),
    );
    return bad.every(({ shard, sequence }) => found.has(`${shard}/${sequence}`));
  });
  await until(session, 'That every event reached the archive', async () => {
    const upTo = await lake.archivedUpTo();
    return replayer
      .lastPositions()
      .every(({ shard, sequence }) => compareSequence(upTo.get(shard) ?? '0', sequence) >= 0);
  });
  await until(session, 'That every alert was sent', async () => {
    const { alerts } = await readScoresTable(session);
    return alerts.every(({ status }) => status === 'sent');
  });
}

export function readScoresTable(session: Session): ReturnType<typeof scanScores> {
  return scanScores(session.connection.clients.dynamodb, session.resources.get('scoresTable'));
}

/** Archive → Iceberg, then served vectors against their offline replay. */
export async function checkConsistency(session: Session): Promise<ConsistencyReport> {
  const { clients } = session.connection;
  const watch = { signal: session.signal };
  await session.timed('compact', 'Compact the archive into Iceberg (Glue)', (step) =>
    runGlueJob(clients, session.resources, 'compactArchive', {}, { ...watch, onState: step.update }),
  );
  return session.timed(
    'consistency',
    'Replay the served vectors offline (Glue)',
    async (step) => {
      const before = new Set(await session.lake.keys(PREFIX.checks));
      await runGlueJob(clients, session.resources, 'checkConsistency', {}, { ...watch, onState: step.update });
      const result = await session.lake.newCheck(before);
      if (!result) throw new CliError(`The consistency check succeeded but wrote no summary below ${PREFIX.checks}.`);
      return result;
    },
    ({ checked, mismatches }) => `${checked} vectors, ${mismatches} mismatches`,
  );
}
