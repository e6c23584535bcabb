import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { dynamoClient } from './dynamo-client.ts';
import { DynamoScores } from './dynamo-scores.ts';
import { DynamoReplayClock, DynamoStates } from './dynamo-states.ts';
import { DynamoTombstones } from './dynamo-tombstones.ts';
import { SageMakerEndpoint } from './endpoint.ts';
import { LakeSink } from './lake.ts';
import type { PredictionEnv, RecordingEnv } from './scoring-environment.ts';
import type { LoadedUseCase } from './usecase.ts';

/** The AWS side of everything that asks the model. */
export function predictionAdapters(env: PredictionEnv, usecase: LoadedUseCase) {
  const dynamo = dynamoClient();
  return {
    dynamo,
    states: new DynamoStates(dynamo, env.FEATURES_TABLE, usecase.plan),
    endpoint: new SageMakerEndpoint(new SageMakerRuntimeClient(), env.ENDPOINT_NAME, usecase.view.definition_hash),
    predictions: new LakeSink(new S3Client(), env.LAKE_BUCKET),
    clock: env.TIDEMARK_CLOCK === 'replay' ? new DynamoReplayClock(dynamo, env.FEATURES_TABLE) : null,
  };
}

/** The same, for who keeps scores and decides alerts too. */
export function scoringAdapters(env: RecordingEnv, usecase: LoadedUseCase) {
  const adapters = predictionAdapters(env, usecase);
  return {
    ...adapters,
    scores: new DynamoScores(adapters.dynamo, env.SCORES_TABLE),
    tombstones: new DynamoTombstones(adapters.dynamo, env.FEATURES_TABLE),
  };
}
