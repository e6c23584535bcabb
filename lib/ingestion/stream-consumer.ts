import { Duration } from 'aws-cdk-lib';
import {
  type DlqDestinationConfig,
  type IEventSourceDlq,
  type IEventSourceMapping,
  type IFunction,
  MetricType,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import type { StreamEventSourceProps } from 'aws-cdk-lib/aws-lambda-event-sources';
import { PREFIX } from '../../names/lake.ts';
import type { StreamConsumerConfig } from '../config/stage-config.ts';
import type { Lake } from '../feature-store/lake.ts';

/**
 * The on-failure destination of all our stream consumers: the lake. S3 gets the whole records, where a queue would only
 * get their position, which is worth nothing once the stream's retention is over.
 *
 * Not the CDK's S3OnFailureDestination: that one grants reading, writing and deleting in the whole bucket.
 */
export class FailedBatches implements IEventSourceDlq {
  private readonly lake: Lake;

  constructor(lake: Lake) {
    this.lake = lake;
  }

  bind(_target: IEventSourceMapping, handler: IFunction): DlqDestinationConfig {
    this.lake.grantPut(handler, PREFIX.failedBatches);
    this.lake.grantList(handler);
    return { destination: this.lake.bucket.bucketArn };
  }
}

/**
 * How every function of ours reads a stream: from its oldest record, only the failed rest of a batch again, halved on
 * errors, with an end to retries and age, and then to the failure destination.
 */
export function consumerProps(config: StreamConsumerConfig, lake: Lake): StreamEventSourceProps {
  return {
    // LATEST would lose what is sent between the deployment and the first poll.
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize: config.batchSize,
    maxBatchingWindow: Duration.seconds(config.batchingWindowSeconds),
    parallelizationFactor: config.parallelizationFactor,
    reportBatchItemFailures: true,
    bisectBatchOnError: true,
    retryAttempts: config.retryAttempts,
    maxRecordAge: Duration.seconds(config.maxRecordAgeSeconds),
    onFailure: new FailedBatches(lake),
    metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
  };
}
