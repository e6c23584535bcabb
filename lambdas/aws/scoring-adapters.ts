import { S3Client } from '@aws-sdk/client-s3';
import { type Endpoint, ScoreRefusedError } from '../../engine/ports.ts';
import { ServingVersions } from '../../engine/score/serving-versions.ts';
import type { LoadedUseCase } from '../../engine/use-case.ts';
import { METRIC } from '../../names/metrics.ts';
import { dynamoClient } from './dynamo/client.ts';
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
import { createTelemetry } from './telemetry.ts';

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

/** The AWS side of everything that asks the model. @param patience_ms see `PATIENCE` */
export function predictionAdapters(env: PredictionEnv, versions: readonly LoadedUseCase[], patience_ms: number) {
  const s3 = new S3Client(patient());
  return {
    ...featureAdapters(env, versions, endpoints(env, s3, patience_ms)),
    predictions: new LakeSink(s3, env.LAKE_BUCKET),
  };
}

/** Behind an endpoint, or in this process. */
function endpoints(env: PredictionEnv, s3: S3Client, patience_ms: number): (usecase: LoadedUseCase) => Endpoint {
  const { ENDPOINT_NAME: endpoint, LAKE_BUCKET: bucket, TIDEMARK_USE_CASE: use_case } = env;
  const telemetry = createTelemetry(env);
  const seenOf = ({ ir }: LoadedUseCase): AnswersSeen => ({
    scores: (model_version, scores) => telemetry.scores(model_version, scores, ir.alerts?.threshold ?? null),
    invalid: (model_version) => telemetry.invalidScores(model_version ?? 'unknown'),
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
