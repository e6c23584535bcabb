import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { readDashboard } from './dashboard.ts';
import { readExperiment } from './experiment.ts';
import { readCounts, readEndpoint, readModel, readShards } from './pipeline.ts';
import { readScores } from './scores.ts';
import { readSources } from './sources.ts';
import type { DashboardAnswer, PipelineAnswer, ScoresAnswer } from './types.ts';

/** What the page's server asks; implemented over AWS clients. */
export interface PageData {
  dashboard(from: number, to: number): Promise<DashboardAnswer>;
  /** Null without a model. */
  scores(): Promise<ScoresAnswer | null>;
  pipeline(): Promise<PipelineAnswer>;
}

export interface PageSource {
  readonly stage: string;
  readonly useCase: string;
  readonly dashboardName: string;
  readonly streamName: string;
  /** Null: events and features alone. */
  readonly model: {
    readonly scoresTable: string;
    /** Where analyses of experiments are. */
    readonly lakeBucket: string;
    readonly endpointName: string;
    readonly modelPackageGroup: string;
    /** Null: scores raise no alerts. */
    readonly alertThreshold: number | null;
  } | null;
  /** Counts start here (ms UTC): the deployment, or at most two weeks back. */
  readonly since: number;
  readonly cloudwatch: CloudWatchClient;
  readonly dynamodb: DynamoDBClient;
  readonly kinesis: KinesisClient;
  readonly s3: S3Client;
  readonly sagemaker: SageMakerClient;
}

/** Reads everything the page shows from the deployed stage: nothing is kept between calls. */
export function awsPageData(source: PageSource): PageData {
  const { cloudwatch, dynamodb, kinesis, s3, sagemaker, model: own } = source;
  return {
    dashboard: (from, to) => readDashboard(cloudwatch, source, from, to),
    scores: async () => own && readScores(dynamodb, own.scoresTable, own.alertThreshold),
    pipeline: async () => {
      const [counts, sources, shards, endpoint, model, experiment] = await Promise.all([
        readCounts(cloudwatch, source, source.since),
        readSources(cloudwatch, source, source.since),
        readShards(kinesis, source.streamName),
        own && readEndpoint(sagemaker, own.endpointName),
        own && readModel(sagemaker, own.modelPackageGroup),
        own && readExperiment(dynamodb, s3, own),
      ]);
      return {
        stage: source.stage,
        use_case: source.useCase,
        counts: counts.counts,
        quarantined: counts.quarantined,
        parts: { model: own !== null, alerts: own !== null && own.alertThreshold !== null },
        shards,
        sources,
        endpoint,
        experiment,
        model,
      };
    },
  };
}
