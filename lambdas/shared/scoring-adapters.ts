import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import type { Env } from '../scorer/env.ts';
import { dynamoClient } from './dynamo-client.ts';
import { DynamoScores } from './dynamo-scores.ts';
import { DynamoReplayClock, DynamoStates } from './dynamo-states.ts';
import { DynamoTombstones } from './dynamo-tombstones.ts';
import { SageMakerEndpoint } from './endpoint.ts';
import { LakeSink } from './lake.ts';
import type { LoadedUseCase } from './usecase.ts';

/** The AWS side of everything that scores. */
export function scoringAdapters(env: Env, usecase: LoadedUseCase) {
  const dynamo = dynamoClient();
  return {
    dynamo,
    states: new DynamoStates(dynamo, env.FEATURES_TABLE, usecase.plan),
    scores: new DynamoScores(dynamo, env.SCORES_TABLE),
    tombstones: new DynamoTombstones(dynamo, env.FEATURES_TABLE),
    endpoint: new SageMakerEndpoint(new SageMakerRuntimeClient(), env.ENDPOINT_NAME, usecase.view.definition_hash),
    predictions: new LakeSink(new S3Client(), env.LAKE_BUCKET),
    clock: env.TIDEMARK_CLOCK === 'replay' ? new DynamoReplayClock(dynamo, env.FEATURES_TABLE) : null,
  };
}
