import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { METRIC } from '../../lib/monitoring/metric-names.ts';
import { readEnvironment } from '../shared/environment.ts';
import { ScoreRefusedError } from '../shared/ports.ts';
import { instantAfter, score } from '../shared/scoring.ts';
import { scoringAdapters } from '../shared/scoring-adapters.ts';
import { createTelemetry } from '../shared/telemetry.ts';
import { loadUseCase } from '../shared/usecase.ts';
import { schema } from './env.ts';
import { newestStates } from './newest-states.ts';

const env = readEnvironment(schema);
const usecase = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env.TIDEMARK_STAGE);
const aws = scoringAdapters(env, usecase);

/** The stream carries the new states: nothing is read to score them. A thrown error delivers the batch again. */
export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const images = event.Records.map((record) => record.dynamodb?.NewImage as Record<string, AttributeValue> | undefined);
  const states = newestStates(usecase.plan, images);
  try {
    if (states.length > 0) await scoreStates(states);
    return { batchItemFailures: [] };
  } catch (error) {
    if (!(error instanceof ScoreRefusedError)) throw error;
    // The state is stored; the sweep scores it once there is a model for it. Retrying now would block the shard.
    telemetry.count(METRIC.scoreRefused, states.length);
    telemetry.warn(error.message, { refused: states.length });
    return { batchItemFailures: [] };
  } finally {
    telemetry.flush();
  }
}

async function scoreStates(states: ReturnType<typeof newestStates>): Promise<void> {
  if (!(await aws.states.ready()))
    throw new ScoreRefusedError('fence: found none; run the job that backfills this view');
  const now = Date.now();
  const clock = env.TIDEMARK_CLOCK === 'replay' ? 0 : now;
  const candidates = states.map(({ entity_id, state }) => ({ entity_id, state, t: instantAfter(state, clock) }));
  const { predictions, alerts } = await score(usecase, aws, candidates, 'event', now);
  if (env.TIDEMARK_CLOCK === 'wall') {
    for (const { state } of states) telemetry.milliseconds(METRIC.freshnessMs, now - state.newest_available_at);
  }
  telemetry.count(METRIC.entitiesScored, predictions.length);
  telemetry.count(METRIC.alertsRaised, alerts);
  telemetry.info('batch', { scored: predictions.length, alerts });
}
