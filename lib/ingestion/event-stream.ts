import { Duration } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage-config.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { acknowledge } from '../foundation/wildcards.ts';

export interface EventStreamProps {
  readonly stage: StageConfig;
  readonly key: DataKey;
}

/** The front door: one Kinesis stream, partitioned by entity. */
export class EventStream extends Construct {
  readonly stream: Stream;
  private readonly key: DataKey;

  constructor(scope: Construct, id: string, props: EventStreamProps) {
    super(scope, id);
    const { stage, key } = props;
    this.key = key;
    this.stream = new Stream(this, 'Stream', {
      ...(stage.stream.mode === 'on-demand'
        ? { streamMode: StreamMode.ON_DEMAND }
        : { streamMode: StreamMode.PROVISIONED, shardCount: stage.stream.shards }),
      retentionPeriod: Duration.hours(stage.stream.retentionHours),
      encryption: key.key === undefined ? StreamEncryption.MANAGED : StreamEncryption.KMS,
      encryptionKey: key.key,
      removalPolicy: removalPolicy(stage, true),
    });
    if (key.key !== undefined) {
      acknowledge(this.stream, {
        id: 'AwsSolutions-KDS3',
        reason:
          'The stage asks for one key of ours for all data, so that access to it can be cut and audited in one place.',
      });
    }
  }

  /** May ask which shards there are. */
  grantListShards(grantee: IGrantable): void {
    Grant.addToPrincipal({ grantee, actions: ['kinesis:ListShards'], resourceArns: [this.stream.streamArn] });
  }

  /** May put a record again under its right partition key. */
  grantPut(grantee: IGrantable): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['kinesis:PutRecord', 'kinesis:PutRecords'],
      resourceArns: [this.stream.streamArn],
    });
    this.key.grantUse(grantee);
  }
}
