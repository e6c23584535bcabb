import { S3Client } from '@aws-sdk/client-s3';
import { Assigning } from '../../engine/experiments/assigning.ts';
import { ChallengerFallback } from '../../engine/experiments/fallback.ts';
import { type Endpoint, ScoreRefusedError } from '../../engine/ports.ts';
import { ServingVersions } from '../../engine/score/serving-versions.ts';
import type { LoadedUseCase } from '../../engine/use-case.ts';
import { METRIC } from '../../names/metrics.ts';
import { dynamoClient } from './dynamo/client.ts';
import { DynamoExperiments } from './dynamo/experiments.ts';
import { DynamoFirstScore } from './dynamo/first-score.ts';
import { DynamoReplayClock } from './dynamo/replay-clock.ts';
import { DynamoScoreRates } from './dynamo/score-rates.ts';
import { DynamoScores } from './dynamo/scores.ts';
import { DynamoStates } from './dynamo/states.ts';
import { DynamoTombstones } from './dynamo/tombstones.ts';
import { type AnswersSeen, PATIENCE, runtimeClient, SageMakerEndpoint } from './endpoint.ts';
import { InProcessEndpoint, InProcessLake, InProcessModels } from './in-process.ts';
import { LakeSink } from './lake.ts';
import { patient } from './patience.ts';
import type { PredictionEnv, RecordingEnv } from './scoring-environment.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';

type FeatureEnv = Pick<PredictionEnv, 'FEATURES_TABLE' | 'TIDEMARK_CLOCK'>;

const NO_MODEL: Endpoint = {
  score: () => Promise.reject(new ScoreRefusedError('model: found none; this use case has events and features alone')),
};

/**
 * The AWS side of everything that reads features. @param versions the newest first
 * @param endpointOf of each version. @default - there is no model
 */
export function featureAdapters(
  env: FeatureEnv,
  versions: readonly LoadedUseCase[],
  endpointOf: (usecase: LoadedUseCase) => Endpoint = () => NO_MODEL,
) {
  const dynamo = dynamoClient();
  const serving = versions.map((usecase) => ({
    usecase,
    states: new DynamoStates(dynamo, env.FEATURES_TABLE, usecase.plan),
    endpoint: endpointOf(usecase),
  }));
  return {
    dynamo,
    serving: new ServingVersions(serving, Date.now),
    clock: env.TIDEMARK_CLOCK === 'replay' ? new DynamoReplayClock(dynamo, env.FEATURES_TABLE) : null,
  };
}

/** For how long functions go on with what they know of the experiment, ms; in a replay, whose days pass in seconds, a moment. */
const EXPERIMENT_REMEMBERED_MS = { wall: 60_000, replay: 1000 } as const;

/** The AWS side of everything that asks the model. @param patience_ms see `PATIENCE` */
export function predictionAdapters(env: PredictionEnv, versions: readonly LoadedUseCase[], patience_ms: number) {
  const s3 = new S3Client(patient());
  const telemetry = createTelemetry(env);
  const challengerFailed = (error: Error) => {
    telemetry.count(METRIC.challengerFailed);
    telemetry.warn('the champion answers for the challenger', { because: error.message });
    telemetry.flush();
  };
  const endpointOf = endpoints(env, versions, s3, patience_ms, telemetry);
  const adapters = featureAdapters(env, versions, (usecase) => {
    return new ChallengerFallback(endpointOf(usecase), challengerFailed, Date.now);
  });
  const records = new DynamoExperiments(adapters.dynamo, env.SCORES_TABLE);
  return {
    ...adapters,
    experiments: new Assigning(records, EXPERIMENT_REMEMBERED_MS[env.TIDEMARK_CLOCK], Date.now),
    predictions: new LakeSink(s3, env.LAKE_BUCKET),
  };
}

/** Behind an endpoint, or in this process. */
function endpoints(
  env: PredictionEnv,
  versions: readonly LoadedUseCase[],
  s3: S3Client,
  patience_ms: number,
  telemetry: Telemetry,
): (usecase: LoadedUseCase) => Endpoint {
  const { ENDPOINT_NAME: endpoint, LAKE_BUCKET: bucket, TIDEMARK_USE_CASE: use_case } = env;
  // While a changed definition is on its way each fleet refuses what the other takes, and that is right.
  const known = new Set(versions.map(({ view }) => view.definition_hash));
  const seenOf = ({ ir }: LoadedUseCase): AnswersSeen => ({
    scores: (model_version, scores) => telemetry.scores(model_version, scores, ir.alerts?.threshold ?? null),
    invalid: (model_version) => telemetry.answered(METRIC.scoresInvalid, model_version ?? 'unknown'),
    refused: (model_version, trained_on) => {
      if (!known.has(trained_on)) telemetry.answered(METRIC.definitionUnknown, model_version);
    },
  });
  if (endpoint !== undefined) {
    const runtime = runtimeClient();
    return (usecase) =>
      new SageMakerEndpoint(runtime, endpoint, usecase.view.definition_hash, patience_ms, seenOf(usecase));
  }
  const models = new InProcessModels(new InProcessLake(s3, { bucket, use_case }), (error) => {
    telemetry.count(METRIC.modelNotLoaded);
    telemetry.error('the model that was deployed last can not be loaded; the one before goes on', error);
    telemetry.flush();
  });
  return (usecase) => new InProcessEndpoint(models, usecase.view.definition_hash, seenOf(usecase));
}

/** The same, for who keeps scores and decides alerts too. */
export function scoringAdapters(env: RecordingEnv, versions: readonly LoadedUseCase[]) {
  const adapters = predictionAdapters(env, versions, PATIENCE.stream);
  return {
    ...adapters,
    scores: new DynamoScores(adapters.dynamo, env.SCORES_TABLE, env.SCORES_KEPT_DAYS),
    rates: new DynamoScoreRates(adapters.dynamo, env.SCORES_TABLE),
    tombstones: new DynamoTombstones(adapters.dynamo, env.FEATURES_TABLE),
    first: new DynamoFirstScore(adapters.dynamo, env.SCORES_TABLE),
  };
}
