import { paginateScan } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { parseTimestamp } from '../../core/time.ts';
import { METRIC } from '../../lib/monitoring/metric-names.ts';
import { mapConcurrently } from '../shared/backoff.ts';
import { stateOf } from '../shared/dynamo-states.ts';
import { readEnvironment } from '../shared/environment.ts';
import { ScoreRefusedError } from '../shared/ports.ts';
import { instantAfter, score } from '../shared/scoring.ts';
import { scoringAdapters } from '../shared/scoring-adapters.ts';
import { createTelemetry } from '../shared/telemetry.ts';
import { loadUseCase } from '../shared/usecase.ts';
import { isDue } from './due.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const usecase = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env.TIDEMARK_STAGE);
const aws = scoringAdapters(env, usecase);

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
}

/** Scores every entity that was not scored for a day. @throws ScoreRefusedError when there is no model or no fence */
export async function handler(event: unknown, context: Context): Promise<SweepResult> {
  const total = { looked_at: 0, scored: 0, alerts: 0, complete: true };
  try {
    const now = await nowOf(inputSchema.parse(event ?? {}).now);
    if (!(await aws.states.ready()))
      throw new ScoreRefusedError('fence: found none; run the job that backfills this view');
    await mapConcurrently([...Array(env.SWEEP_SEGMENTS).keys()], env.SWEEP_SEGMENTS, (segment) =>
      sweepSegment(segment, now, context, total),
    );
    telemetry.count(METRIC.sweepEntities, total.looked_at);
    telemetry.count(METRIC.entitiesScored, total.scored);
    telemetry.count(METRIC.alertsRaised, total.alerts);
    telemetry.info('sweep', total);
    return { now, ...total };
  } catch (error) {
    if (error instanceof ScoreRefusedError) telemetry.count(METRIC.scoreRefused);
    throw error;
  } finally {
    telemetry.flush();
  }
}

async function sweepSegment(
  segment: number,
  now: number,
  context: Context,
  total: { -readonly [K in keyof Omit<SweepResult, 'now'>]: SweepResult[K] },
) {
  const pages = paginateScan(
    { client: aws.dynamo },
    {
      TableName: env.FEATURES_TABLE,
      Segment: segment,
      TotalSegments: env.SWEEP_SEGMENTS,
      Limit: PAGE,
      // The fence has the view's version as its sort key too, but no state.
      FilterExpression: '#view = :view AND attribute_exists(#state)',
      ExpressionAttributeNames: { '#view': 'view', '#state': 'state' },
      ExpressionAttributeValues: { ':view': { S: usecase.view.version } },
    },
  );
  for await (const { Items = [] } of pages) {
    if (context.getRemainingTimeInMillis() < RESERVE_MS) {
      total.complete = false;
      return;
    }
    const last = await aws.scores.read(Items.map((item) => item.entity_id!.S!));
    const due = Items.filter((item) => isDue(last.get(item.entity_id!.S!), now));
    const candidates = due.map((item) => {
      const { state } = stateOf(usecase.plan, item);
      return { entity_id: item.entity_id!.S!, state, t: instantAfter(state, now) };
    });
    const { predictions, alerts } = await score(usecase, aws, candidates, 'sweep', Date.now());
    total.looked_at += Items.length;
    total.scored += predictions.length;
    total.alerts += alerts;
  }
}

async function nowOf(input: number | string | undefined): Promise<number> {
  if (input === undefined) return (await aws.clock?.read()) ?? Date.now();
  const parsed = parseTimestamp(input, typeof input === 'number' ? 'epoch_ms' : 'iso8601');
  if ('error' in parsed) throw new Error(`now: ${parsed.detail}`);
  return parsed.value;
}
