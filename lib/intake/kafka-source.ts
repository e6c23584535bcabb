import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import {
  EventSourceMapping,
  MetricType,
  type SourceAccessConfiguration,
  SourceAccessConfigurationType,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/intake-stream/env.ts';
import type { NodeFunction } from '../foundation/node-function.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import { FailedBatches } from '../ingestion/stream-consumer.ts';
import { addErrorAlarm, addGaveUpAlarm } from '../monitoring/function-alarms.ts';
import type { KafkaAddress } from './addresses.ts';
import type { SourceProps } from './intake-source.ts';
import { streamFunction } from './stream-function.ts';
import { readAs } from './stream-source.ts';

const { SASL_SCRAM_512_AUTH, SASL_SCRAM_256_AUTH, BASIC_AUTH } = SourceAccessConfigurationType;
const METHODS = {
  SASL_SCRAM_512: SASL_SCRAM_512_AUTH,
  SASL_SCRAM_256: SASL_SCRAM_256_AUTH,
  BASIC: BASIC_AUTH,
} as const;
/** A topic is kept as long as its owner says: with an end to retries, its records are not waited for until then. */
const MOST_RETRIES = 100;

/** A topic of MSK or of a Kafka cluster of your own, read by Lambda's pollers: in the order of each partition. */
export class KafkaSource extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: SourceProps & { readonly address: KafkaAddress }) {
    super(scope, id);
    const { address, deployment, alarms, lake, source } = props;
    this.fn = streamFunction(this, props, 'kafka', 'stream');
    const config = readAs(deployment.stage);
    const { least, most } = address.pollers ?? { least: 1, most: 2 };
    const mapping = new EventSourceMapping(this, 'Mapping', {
      target: this.fn.function,
      ...(address.clusterArn === undefined
        ? { kafkaBootstrapServers: address.brokers }
        : { eventSourceArn: address.clusterArn }),
      kafkaTopic: address.topic,
      // The name of a mapping's own would be lost with it, and its place in the topic too.
      kafkaConsumerGroupId: groupOf(props),
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: config.batchSize,
      maxBatchingWindow: Duration.seconds(config.batchingWindowSeconds),
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: Math.min(config.retryAttempts, MOST_RETRIES),
      maxRecordAge: Duration.seconds(config.maxRecordAgeSeconds),
      onFailure: new FailedBatches(lake),
      supportS3OnFailureDestination: true,
      provisionedPollerConfig: { minimumPollers: least, maximumPollers: Math.max(least, most) },
      metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
      sourceAccessConfigurations: accessOf(address),
    });
    this.grantRead(props);
    const name = `${pascalCase(source.name)}Kafka`;
    const consequence = `events of ${source.name} are not in the features`;
    addErrorAlarm(alarms, name, this.fn.function, 'Its batches are retried, so nothing is lost yet.');
    addGaveUpAlarm(alarms, name, mapping.eventSourceMappingId, consequence);
    alarms.add(`${name}Lag`, {
      severity: 'warning',
      sentence: `${name} is more than ${address.lagRecords} records behind its topic for 5 minutes, so ${consequence} in time.`,
      runbook: 'stream-lag',
      // "the difference in offset between the last record written to a topic and the last record that your function's
      // consumer group processed" (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
      metric: this.fn.function.metric('OffsetLag', { statistic: Stats.MAXIMUM, period: Duration.minutes(1) }),
      threshold: address.lagRecords,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 5,
      missing: {
        treat: TreatMissingData.NOT_BREACHING,
        because: 'Lambda reports the offsets only while its pollers run, and those of a topic without records may rest',
      },
    });
  }

  /**
   * What Lambda does in the function's name (https://docs.aws.amazon.com/lambda/latest/dg/with-msk-permissions.html and
   * https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-permissions.html).
   */
  private grantRead(props: SourceProps & { readonly address: KafkaAddress }): void {
    const { clusterArn, topic, credentials, rootCertificateSecretArn, vpc } = props.address;
    const secrets = [credentials?.secretArn, rootCertificateSecretArn].filter((arn) => arn !== undefined);
    if (secrets.length > 0) this.fn.allow(['secretsmanager:GetSecretValue'], secrets);
    if (clusterArn !== undefined) {
      this.fn.allow(['kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'], [clusterArn]);
      if (credentials === undefined) {
        const part = (kind: string, name: string) => `${clusterArn.replace(':cluster/', `:${kind}/`)}/${name}`;
        this.fn.allow(['kafka-cluster:Connect', 'kafka-cluster:DescribeClusterDynamicConfiguration'], [clusterArn]);
        this.fn.allow(['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'], [part('topic', topic)]);
        this.fn.allow(['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'], [part('group', groupOf(props))]);
      }
    }
    if (clusterArn === undefined && vpc === undefined) return;
    const network = ['DescribeNetworkInterfaces', 'DescribeSecurityGroups', 'DescribeSubnets', 'DescribeVpcs'];
    const interfaces = ['CreateNetworkInterface', 'DeleteNetworkInterface'];
    this.fn.allow(
      [...interfaces, ...network].sort().map((action) => `ec2:${action}`),
      ['*'],
    );
    explainWildcards(this.fn.role, {
      finding: /^Resource::\*$/,
      reason:
        'Lambda asks for network interfaces whose names nobody knows before, and describing has no resource type.',
    });
  }
}

const groupOf = ({ address, deployment, source }: SourceProps & { readonly address: KafkaAddress }): string =>
  address.consumerGroup ?? `tidemark-${deployment.stage.stage}-${deployment.useCase.ir.name}-${source.name}`;

/** Undefined for none: CloudFormation takes no empty list. */
function accessOf({ credentials, rootCertificateSecretArn, vpc }: KafkaAddress) {
  const { VPC_SUBNET, VPC_SECURITY_GROUP, SERVER_ROOT_CA_CERTIFICATE } = SourceAccessConfigurationType;
  const all: SourceAccessConfiguration[] = [
    ...(credentials ? [{ type: METHODS[credentials.method], uri: credentials.secretArn }] : []),
    ...(rootCertificateSecretArn ? [{ type: SERVER_ROOT_CA_CERTIFICATE, uri: rootCertificateSecretArn }] : []),
    ...(vpc?.subnetIds ?? []).map((id) => ({ type: VPC_SUBNET, uri: `subnet:${id}` })),
    ...(vpc ? [{ type: VPC_SECURITY_GROUP, uri: `security_group:${vpc.securityGroupId}` }] : []),
  ];
  return all.length > 0 ? all : undefined;
}
