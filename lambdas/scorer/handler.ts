import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { ModelFailedError, type NamedState, ScoreRefusedError } from '../../engine/ports.ts';
import { firstDay } from '../../engine/score/first-day.ts';
import { candidatesAt, instantAfter, type Scored, score } from '../../engine/score/scoring.ts';
import { wholeStates } from '../../engine/score/whole-states.ts';
import { METRIC } from '../../names/metrics.ts';
import { countSuppressed } from '../aws/alert-counts.ts';
import { readEnvironment } from '../aws/environment.ts';
import { scoringAdapters } from '../aws/scoring-adapters.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadVersions } from '../aws/use-case.ts';
import { schema } from './env.ts';
import { newestStates } from './newest-states.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const aws = scoringAdapters(env, loadVersions(import.meta.dirname));

/** Its entity is not scored, and the healing mends it: trying again would hold up all others. */
function unreadable(_: string, error: unknown): void {
  telemetry.count(METRIC.statesUnreadable);
  telemetry.error('a state can not be read; its entity is not scored', error);
}

/** The stream carries the new states: unless they are older than the fence, nothing is read to score them. A thrown error delivers the batch again. */
export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const images = event.Records.map((record) => record.dynamodb?.NewImage as Record<string, AttributeValue> | undefined);
  const states = new Map(
    aws.serving.versions.map(({ usecase: { view, plan } }) => [view.version, newestStates(plan, images, unreadable)]),
  );
  const entities = new Set([...states.values()].flat().map(({ entity_id }) => entity_id));
  try {
    if (entities.size > 0) await scoreStates(states);
    return { batchItemFailures: [] };
  } catch (error) {
    if (error instanceof ModelFailedError) telemetry.count(METRIC.scoringFailed, entities.size);
    const awaited = await firstDay(error, aws.first);
    if (awaited) {
      telemetry.count(METRIC.scoringAwaited, entities.size);
      telemetry.info('not scored yet', { waits_for: awaited.message, entities: entities.size });
      return { batchItemFailures: [] };
    }
    if (!(error instanceof ScoreRefusedError)) throw error;
    // The state is stored; the sweep scores it once there is a model for it. Retrying now would block the shard.
    telemetry.count(METRIC.scoreRefused, entities.size);
    telemetry.warn(error.message, { refused: entities.size });
    return { batchItemFailures: [] };
  } finally {
    telemetry.flush();
  }
}

/** @param images of each version, the new states that the batch has of it */
async function scoreStates(images: ReadonlyMap<string, readonly NamedState[]>): Promise<void> {
  for await (const turn of aws.serving.turns()) {
    const own = images.get(turn.usecase.view.version)!;
    if (own.length === 0) continue;
    const states = await wholeStates(turn.states, own, unreadable);
    const now = Date.now();
    // In a replay a state is scored right after its own newest arrival, however far the others have come.
    const candidates = candidatesAt(states, env.TIDEMARK_CLOCK === 'replay' ? 0 : now);
    const scored = await score(turn.usecase, { ...aws, model: turn, unreadable }, candidates, 'event', now);
    if (scored !== null) await report(states, scored, now);
  }
}

async function report(
  states: readonly NamedState[],
  { predictions, alerts, doubted }: Scored,
  now: number,
): Promise<void> {
  if (predictions.length > 0) await aws.first.record();
  const reached = aws.clock === null ? now : ((await aws.clock.read()) ?? 0);
  for (const { state } of states)
    telemetry.milliseconds(METRIC.freshnessMs, instantAfter(state, reached) - state.newest_available_at);
  telemetry.count(METRIC.entitiesScored, predictions.length);
  telemetry.count(METRIC.alertsRaised, alerts.told);
  if (alerts.waiting > 0) telemetry.count(METRIC.alertsWaiting, alerts.waiting);
  const suppressed = countSuppressed(telemetry, alerts.suppressed, doubted);
  telemetry.info('batch', { scored: predictions.length, alerts: alerts.told, waiting: alerts.waiting, suppressed });
}
