import { z } from 'zod';
import { type Dispatched, dispatch } from '../../engine/alerting/dispatch.ts';
import { METRIC } from '../../names/metrics.ts';
import { countSuppressed } from '../aws/alert-counts.ts';
import { dynamoClient } from '../aws/dynamo/client.ts';
import { DynamoReplayClock } from '../aws/dynamo/replay-clock.ts';
import { DynamoScoreRates } from '../aws/dynamo/score-rates.ts';
import { DynamoTurns } from '../aws/dynamo/turns.ts';
import { readEnvironment } from '../aws/environment.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadUseCase } from '../aws/use-case.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const { ir } = loadUseCase(import.meta.dirname);
const dynamo = dynamoClient();
const clock = env.TIDEMARK_CLOCK === 'replay' ? new DynamoReplayClock(dynamo, env.FEATURES_TABLE) : null;
const turns = new DynamoTurns(dynamo, env.SCORES_TABLE, env.SCORES_KEPT_DAYS);
const rates = new DynamoScoreRates(dynamo, env.SCORES_TABLE);

/** `now`: ms UTC. @default - the wall clock (in a replay: the replay's) */
const inputSchema = z.object({ now: z.number().optional() });

/** Gives the alerts that wait their turn. @throws Error when the use case's alerts have no turns; what was done stays done */
export async function handler(event: unknown): Promise<Dispatched> {
  const { alerts, name } = ir;
  if (!alerts) throw new Error('alerts: found none; only a use case whose alerts wait has a dispatcher');
  const now = inputSchema.parse(event ?? {}).now ?? (await clock?.read()) ?? Date.now();
  try {
    const done = await dispatch({ alerts, name }, turns, rates, now);
    telemetry.count(METRIC.alertsRaised, done.released);
    const suppressed = countSuppressed(telemetry, done.suppressed, done.doubted);
    telemetry.info('dispatched', { released: done.released, waiting: done.waiting, suppressed });
    return done;
  } finally {
    telemetry.flush();
  }
}
