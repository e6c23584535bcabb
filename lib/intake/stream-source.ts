import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IStream, Stream } from 'aws-cdk-lib/aws-kinesis';
import { Key } from 'aws-cdk-lib/aws-kms';
import { DynamoEventSource, KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/intake-stream/env.ts';

import { longestWait, type StageConfig, type StreamConsumerConfig } from '../config/stage-config.ts';
import type { NodeFunction } from '../foundation/node-function.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import { consumerProps } from '../ingestion/stream-consumer.ts';
import { addStreamAlarms } from '../monitoring/function-alarms.ts';
import type { DynamodbAddress, KinesisAddress } from './addresses.ts';
import type { SourceProps } from './intake-source.ts';
import { streamFunction } from './stream-function.ts';

/** What DynamoDB keeps of a table's changes, and Kinesis of a stream unless it is told otherwise (h). */
const RETENTION_HOURS = 24;
/** DynamoDB's mappings take no more. */
const MOST_OF_A_TABLE = 1000;

/** A source that writes into a Kinesis stream of its own: DMS, Aurora DSQL, a producer that is not ours. */
export class KinesisSource extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: SourceProps & { readonly address: KinesisAddress }) {
    super(scope, id);
    const { streamArn, keyArn } = props.address;
    this.fn = streamFunction(this, props, 'kinesis', 'stream');
    const encryptionKey = keyArn === undefined ? undefined : Key.fromKeyArn(this, 'Key', keyArn);
    const stream: IStream = Stream.fromStreamAttributes(this, 'Stream', { streamArn, encryptionKey });
    const mapping = new KinesisEventSource(stream, consumerProps(readAs(props.deployment.stage), props.lake));
    this.fn.function.addEventSource(mapping);
    addAlarms(props, 'Kinesis', this.fn, mapping.eventSourceMappingId);
  }
}

/** The changes of a DynamoDB table, by its stream: in the order of each item. */
export class DynamodbSource extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: SourceProps & { readonly address: DynamodbAddress }) {
    super(scope, id);
    const { streamArn, keyArn } = props.address;
    this.fn = streamFunction(this, props, 'dynamodb', 'stream');
    const table = Table.fromTableAttributes(this, 'Table', {
      tableArn: streamArn.slice(0, streamArn.indexOf('/stream/')),
      tableStreamArn: streamArn,
    });
    const config = readAs(props.deployment.stage);
    const mapping = new DynamoEventSource(
      table,
      consumerProps({ ...config, batchSize: Math.min(config.batchSize, MOST_OF_A_TABLE) }, props.lake),
    );
    this.fn.function.addEventSource(mapping);
    if (keyArn !== undefined) Key.fromKeyArn(this, 'Key', keyArn).grantDecrypt(this.fn);
    // Added by the event source: ListStreams has no resource.
    explainWildcards(this.fn.role, {
      finding: /^Resource::\*$/,
      reason: 'dynamodb:ListStreams has no resource type: IAM takes only "*".',
    });
    addAlarms(props, 'Dynamodb', this.fn, mapping.eventSourceMappingId);
  }
}

/** As the processor reads, but nothing is waited for longer than the source keeps it. */
export function readAs({ processor }: StageConfig): StreamConsumerConfig {
  const maxRecordAgeSeconds = Math.min(processor.maxRecordAgeSeconds, longestWait(RETENTION_HOURS));
  return { ...processor, maxRecordAgeSeconds };
}

function addAlarms({ deployment, alarms, source }: SourceProps, way: string, fn: NodeFunction<Env>, mapping: string) {
  addStreamAlarms(alarms, `${pascalCase(source.name)}${way}`, {
    function: fn.function,
    mapping,
    stage: deployment.stage,
    consequence: `events of ${source.name} are not in the features`,
  });
}
