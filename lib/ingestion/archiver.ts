import { KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/archiver/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OnlineTable } from '../feature-store/tables.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import type { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { addStreamAlarms } from '../monitoring/function-alarms.ts';
import type { EventStream } from './event-stream.ts';
import { consumerProps } from './stream-consumer.ts';

export interface ArchiverProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly stream: EventStream;
  readonly features: OnlineTable;
  readonly lake: Lake;
}

/** Kinesis → canonical events in the lake, with shard and sequence number; Spark merges them into Iceberg. */
export class Archiver extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: ArchiverProps) {
    super(scope, id);
    const { deployment, alarms, stream, features, lake } = props;
    const config = deployment.stage.archiver;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.archiver,
      entry: 'archiver/handler.ts',
      description: 'Writes events to the archive, one object per batch',
      memoryMiB: config.memoryMiB,
      timeoutSeconds: config.timeoutSeconds,
      invocation: { kind: 'stream' },
      environment: {
        FEATURES_TABLE: features.table.tableName,
        LAKE_BUCKET: lake.bucket.bucketName,
        LANES: String(deployment.stage.processor.parallelizationFactor),
      },
    });
    // Only to drop the events of erased entities.
    features.grantReadTombstones(this.fn);
    lake.grantPut(this.fn, PREFIX.events);
    const source = new KinesisEventSource(stream.stream, consumerProps(config, lake));
    this.fn.function.addEventSource(source);
    addStreamAlarms(alarms, 'Archiver', {
      function: this.fn.function,
      mapping: source.eventSourceMappingId,
      stage: deployment.stage,
      consequence: 'events are missing from the archive',
    });
  }
}
