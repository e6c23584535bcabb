import { paginateScan } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { MINUTE, parseTimestamp } from '../../core/values/time.ts';
import { mapConcurrently } from '../../engine/concurrently.ts';
import { ScoreRefusedError } from '../../engine/ports.ts';
import { isDue } from '../../engine/score/due.ts';
import { firstDay } from '../../engine/score/first-day.ts';
import { candidatesAt, score } from '../../engine/score/scoring.ts';
import { everyPart, sliceOf } from '../../engine/score/slices.ts';
import { wholeStates } from '../../engine/score/whole-states.ts';
import { METRIC } from '../../names/metrics.ts';
import { countSuppressed } from '../aws/alert-counts.ts';
import { statesOf } from '../aws/dynamo/state-item.ts';
import { readEnvironment } from '../aws/environment.ts';
import { scoringAdapters } from '../aws/scoring-adapters.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadVersions } from '../aws/use-case.ts';
import { schema } from './env.ts';
import { LeftOver } from './left-over.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const aws = scoringAdapters(env, loadVersions(import.meta.dirname));
const leftOver = new LeftOver(aws.dynamo, env.SCORES_TABLE);

/** States in one page: bounds memory, and the requests that a page makes. */
const PAGE = 250;
/** Left for the last page and the answer. */
const RESERVE_MS = 8000;

/**
 * `scheduled`: when the schedule's run was due (ISO text): it looks at the slice of that time. Without it, by hand and in a
 * replay, at everybody. `now`: ms or ISO text. @default - the wall clock (in a replay: the replay's)
 */
const inputSchema = z.object({
  scheduled: z.string().optional(),
  now: z.union([z.number(), z.string()]).optional(),
});

export interface SweepResult {
  readonly now: number;
  readonly looked_at: number;
  readonly scored: number;
  /** Told at once. */
  readonly alerts: number;
  /** Waiting for their turn. */
  readonly waiting: number;
  /** Raised, and nobody is told, by whichever rule. */
  readonly suppressed: number;
  /** False when the time was over: the next run goes on with the parts that were left, a call by hand with those due. */
  readonly complete: boolean;
  /** On the first day only: what is missing before anybody can be scored. */
  readonly waits_for?: string;
}

type Total = { -readonly [K in keyof Omit<SweepResult, 'now' | 'waits_for'>]: SweepResult[K] };

/** What one run does. */
interface Run {
  readonly now: number;
  /** Between two runs of the schedule, ms; null for one over everybody. */
  readonly interval_ms: number | null;
  /** Parts of the scan that all parts together make. */
  readonly total: number;
  /** Still to be looked at; each worker takes the next. */
  readonly open: number[];
  /** Looked at to their end. */
  readonly done: number[];
  readonly context: Context;
  readonly tally: Total;
}

/**
 * Scores entities that fell silent: a run of the schedule those of its slice, a call by hand everybody who was not scored for a
 * day.
 * @throws ScoreRefusedError when the model is for another definition, or when model or fence are gone that were there
 * @throws ModelFailedError
 */
export async function handler(event: unknown, context: Context): Promise<SweepResult> {
  const input = inputSchema.parse(event ?? {});
  const tally: Total = { looked_at: 0, scored: 0, alerts: 0, waiting: 0, suppressed: 0, complete: true };
  const now = input.now === undefined ? ((await aws.clock?.read()) ?? Date.now()) : instantOf(input.now, 'now');
  const slice =
    input.scheduled === undefined
      ? everyPart(env.SWEEP_SEGMENTS)
      : sliceOf(instantOf(input.scheduled, 'scheduled'), env.SWEEP_EVERY_MINUTES, env.SWEEP_SEGMENTS);
  const interval_ms = input.scheduled === undefined ? null : env.SWEEP_EVERY_MINUTES * MINUTE;
  try {
    await aws.serving.ready();
    const open = interval_ms === null ? [...slice.parts] : await leftOver.begin(slice.total, slice.parts);
    await sweep({ now, interval_ms, total: slice.total, open, done: [], context, tally });
    telemetry.count(METRIC.sweepEntities, tally.looked_at);
    telemetry.count(METRIC.sweepIncomplete, tally.complete ? 0 : 1);
    telemetry.count(METRIC.entitiesScored, tally.scored);
    telemetry.count(METRIC.alertsRaised, tally.alerts);
    if (tally.waiting > 0) telemetry.count(METRIC.alertsWaiting, tally.waiting);
    telemetry.info('sweep', tally);
    return { now, ...tally };
  } catch (error) {
    const awaited = await firstDay(error, aws.first);
    if (awaited) {
      telemetry.count(METRIC.scoringAwaited);
      telemetry.info('nobody can be scored yet', { waits_for: awaited.message });
      return { now, ...tally, waits_for: awaited.message };
    }
    if (error instanceof ScoreRefusedError) telemetry.count(METRIC.scoreRefused);
    throw error;
  } finally {
    telemetry.flush();
  }
}

/** What was looked at is taken off the list also where something fails: the rest is the next run's. */
async function sweep(run: Run): Promise<void> {
  const workers = Array.from({ length: env.SWEEP_SEGMENTS }, (_, i) => i);
  try {
    await mapConcurrently(workers, workers.length, async () => {
      for (let part = run.open.shift(); part !== undefined; part = run.open.shift()) {
        if (!(await sweepPart(run, part))) return;
        run.done.push(part);
      }
    });
  } finally {
    if (run.interval_ms !== null) await leftOver.end(run.total, run.done);
  }
}

/** @returns false when the time was over */
async function sweepPart(run: Run, part: number): Promise<boolean> {
  const { now, tally, context } = run;
  const views = aws.serving.versions.map(({ usecase }, i) => [`:view${i}`, { S: usecase.view.version }] as const);
  const pages = paginateScan(
    { client: aws.dynamo },
    {
      TableName: env.FEATURES_TABLE,
      Segment: part,
      TotalSegments: run.total,
      Limit: PAGE,
      // The fence has the view's version as its sort key too, but no state.
      FilterExpression: `#view IN (${views.map(([name]) => name)}) AND attribute_exists(#state)`,
      ExpressionAttributeNames: { '#view': 'view', '#state': 'state' },
      ExpressionAttributeValues: Object.fromEntries(views),
    },
  );
  for await (const { Items = [] } of pages) {
    if (context.getRemainingTimeInMillis() < RESERVE_MS) {
      tally.complete = false;
      return false;
    }
    const entities = [...new Set(Items.map((item) => item.entity_id!.S!))];
    // Whoever was scored a moment ago is scored once more at worst: the score itself is written under a condition.
    const last = await aws.scores.read(entities, false);
    const due = Items.filter((item) => isDue(last.get(item.entity_id!.S!), now, run.interval_ms));
    tally.looked_at += entities.length;
    for await (const turn of aws.serving.turns()) {
      const own = due.filter((item) => item.view!.S === turn.usecase.view.version);
      const found = [...statesOf(turn.usecase.plan, own, unreadable)].map(([id, one]) => ({ entity_id: id, ...one }));
      const candidates = candidatesAt(await wholeStates(turn.states, found, unreadable), now);
      const scored = await score(turn.usecase, { ...aws, model: turn, unreadable }, candidates, 'sweep', Date.now());
      if (scored === null) continue;
      if (scored.predictions.length > 0) await aws.first.record();
      tally.scored += scored.predictions.length;
      tally.alerts += scored.alerts.told;
      tally.waiting += scored.alerts.waiting;
      tally.suppressed += countSuppressed(telemetry, scored.alerts.suppressed, scored.doubted);
    }
  }
  return true;
}

/** Its entity is not scored, and the healing mends it. */
function unreadable(_: string, error: unknown): void {
  telemetry.count(METRIC.statesUnreadable);
  telemetry.error('a state can not be read; its entity is not scored', error);
}

function instantOf(input: number | string, field: string): number {
  const parsed = parseTimestamp(input, typeof input === 'number' ? 'epoch_ms' : 'iso8601');
  if ('error' in parsed) throw new Error(`${field}: ${parsed.detail}`);
  return parsed.value;
}
