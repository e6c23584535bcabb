import { S3Client } from '@aws-sdk/client-s3';
import { Assigning } from '../../engine/experiments/assigning.ts';
import { ChallengerFallback } from '../../engine/experiments/fallback.ts';
import { type Endpoint, ScoreRefusedError } from '../../engine/ports.ts';
import { ServingVersions } from '../../engine/score/serving-versions.ts';
import type { LoadedUseCase } from '../../engine/use-case.ts';
import { dynamoClient } from './dynamo/client.ts';
import { DynamoExperiments } from './dynamo/experiments.ts';
import { DynamoFirstScore } from './dynamo/first-score.ts';
import { DynamoReplayClock } from './dynamo/replay-clock.ts';
import { DynamoScores } from './dynamo/scores.ts';
import { DynamoStates } from './dynamo/states.ts';
import { DynamoTombstones } from './dynamo/tombstones.ts';
import { PATIENCE, runtimeClient, SageMakerEndpoint } from './endpoint.ts';
import { LakeSink } from './lake.ts';
import { patient } from './patience.ts';
import type { PredictionEnv, RecordingEnv } from './scoring-environment.ts';

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

/**
 * The AWS side of everything that asks the model.
 * @param patience_ms see `PATIENCE`. @param challengerFailed told when the champion answers in an experiment's challenger's place
 */
export function predictionAdapters(
  env: PredictionEnv,
  versions: readonly LoadedUseCase[],
  patience_ms: number,
  challengerFailed: (error: Error) => void,
) {
  const runtime = runtimeClient();
  const endpointOf = ({ view }: LoadedUseCase) =>
    new ChallengerFallback(
      new SageMakerEndpoint(runtime, env.ENDPOINT_NAME, view.definition_hash, patience_ms),
      challengerFailed,
      Date.now,
    );
  const adapters = featureAdapters(env, versions, endpointOf);
  const experiments = new DynamoExperiments(adapters.dynamo, env.SCORES_TABLE);
  return {
    ...adapters,
    experiments: new Assigning(experiments, EXPERIMENT_REMEMBERED_MS[env.TIDEMARK_CLOCK], Date.now),
    predictions: new LakeSink(new S3Client(patient()), env.LAKE_BUCKET),
  };
}

/** The same, for who keeps scores and decides alerts too. */
export function scoringAdapters(
  env: RecordingEnv,
  versions: readonly LoadedUseCase[],
  challengerFailed: (error: Error) => void,
) {
  const adapters = predictionAdapters(env, versions, PATIENCE.stream, challengerFailed);
  return {
    ...adapters,
    scores: new DynamoScores(adapters.dynamo, env.SCORES_TABLE, env.SCORES_KEPT_DAYS),
    tombstones: new DynamoTombstones(adapters.dynamo, env.FEATURES_TABLE),
    first: new DynamoFirstScore(adapters.dynamo, env.SCORES_TABLE),
  };
}
