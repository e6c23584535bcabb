import { paginateScan } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { parseTimestamp } from '../../core/time.ts';
import { METRIC } from '../../lib/monitoring/metric-names.ts';
import { mapConcurrently } from '../shared/backoff.ts';
import { type Item, statesOf } from '../shared/dynamo-states.ts';
import { readEnvironment } from '../shared/environment.ts';
import { firstDay } from '../shared/first-score.ts';
import { ScoreRefusedError } from '../shared/ports.ts';
import { instantAfter, type Scored, score } from '../shared/scoring.ts';
import { scoringAdapters } from '../shared/scoring-adapters.ts';
import type { ServingVersion } from '../shared/serving-versions.ts';
import { createTelemetry } from '../shared/telemetry.ts';
import { loadVersions } from '../shared/usecase.ts';
import { wholeStates } from '../shared/whole-states.ts';
import { isDue } from './due.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const aws = scoringAdapters(env, loadVersions(import.meta.dirname));

/** States in one page: bounds memory, and the requests that a page makes. */
const PAGE = 250;
/** Left for the last page and the answer. */
const RESERVE_MS = 8000;

/** `now`: ms or ISO text; absent in a schedule, where it is the wall clock (in a replay: the replay's). */
const inputSchema = z.object({ now: z.union([z.number(), z.string()]).optional() });

export interface SweepResult {
  readonly now: number;
  readonly looked_at: number;
  readonly scored: number;
  readonly alerts: number;
  /** False when the time was over: the next call goes on with those still due. */
  readonly complete: boolean;
  /** On the first day only: what is missing before anybody can be scored. */
  readonly waits_for?: string;
}

type Total = { -readonly [K in keyof Omit<SweepResult, 'now' | 'waits_for'>]: SweepResult[K] };

/**
 * Scores every entity that was not scored for a day.
 * @throws ScoreRefusedError when the model is for another definition, or when model or fence are gone that were there
 * @throws ModelFailedError
 */
export async function handler(event: unknown, context: Context): Promise<SweepResult> {
  const total: Total = { looked_at: 0, scored: 0, alerts: 0, complete: true };
  const now = await nowOf(inputSchema.parse(event ?? {}).now);
  try {
    await aws.serving.ready();
    await mapConcurrently([...Array(env.SWEEP_SEGMENTS).keys()], env.SWEEP_SEGMENTS, (segment) =>
      sweepSegment(segment, now, context, total),
    );
    telemetry.count(METRIC.sweepEntities, total.looked_at);
    telemetry.count(METRIC.entitiesScored, total.scored);
    telemetry.count(METRIC.alertsRaised, total.alerts);
    telemetry.info('sweep', total);
    return { now, ...total };
  } catch (error) {
    const awaited = await firstDay(error, aws.first);
    if (awaited) {
      telemetry.count(METRIC.scoringAwaited);
      telemetry.info('nobody can be scored yet', { waits_for: awaited.message });
      return { now, ...total, waits_for: awaited.message };
    }
    if (error instanceof ScoreRefusedError) telemetry.count(METRIC.scoreRefused);
    throw error;
  } finally {
    telemetry.flush();
  }
}

async function sweepSegment(segment: number, now: number, context: Context, total: Total) {
  const views = aws.serving.versions.map(({ usecase }, i) => [`:view${i}`, { S: usecase.view.version }] as const);
  const pages = paginateScan(
    { client: aws.dynamo },
    {
      TableName: env.FEATURES_TABLE,
      Segment: segment,
      TotalSegments: env.SWEEP_SEGMENTS,
      Limit: PAGE,
      // The fence has the view's version as its sort key too, but no state.
      FilterExpression: `#view IN (${views.map(([name]) => name)}) AND attribute_exists(#state)`,
      ExpressionAttributeNames: { '#view': 'view', '#state': 'state' },
      ExpressionAttributeValues: Object.fromEntries(views),
    },
  );
  for await (const { Items = [] } of pages) {
    if (context.getRemainingTimeInMillis() < RESERVE_MS) {
      total.complete = false;
      return;
    }
    const entities = [...new Set(Items.map((item) => item.entity_id!.S!))];
    const last = await aws.scores.read(entities);
    const due = Items.filter((item) => isDue(last.get(item.entity_id!.S!), now));
    const { predictions, alerts } = await aws.serving.scoring((version) => scoreItems(version, due, now));
    if (predictions.length > 0) await aws.first.record();
    total.looked_at += entities.length;
    total.scored += predictions.length;
    total.alerts += alerts;
  }
}

async function scoreItems(version: ServingVersion, items: readonly Item[], now: number): Promise<Scored> {
  const { usecase, endpoint, states } = version;
  const own = items.filter((item) => item.view!.S === usecase.view.version);
  const found = [...statesOf(usecase.plan, own, unreadable)].map(([entity_id, stored]) => ({ entity_id, ...stored }));
  const candidates = (await wholeStates(states, found, unreadable)).map(({ entity_id, state }) => {
    return { entity_id, state, t: instantAfter(state, now) };
  });
  return score(usecase, { ...aws, endpoint, unreadable }, candidates, 'sweep', Date.now());
}

/** Its entity is not scored, and the healing mends it. */
function unreadable(_: string, error: unknown): void {
  telemetry.count(METRIC.statesUnreadable);
  telemetry.error('a state can not be read; its entity is not scored', error);
}

async function nowOf(input: number | string | undefined): Promise<number> {
  if (input === undefined) return (await aws.clock?.read()) ?? Date.now();
  const parsed = parseTimestamp(input, typeof input === 'number' ? 'epoch_ms' : 'iso8601');
  if ('error' in parsed) throw new Error(`now: ${parsed.detail}`);
  return parsed.value;
}
