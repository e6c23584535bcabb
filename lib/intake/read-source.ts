import type { Construct } from 'constructs';
import type { CarriageKind, SourceIR } from '../../core/ir/document.ts';
import { SERVICE, type Service } from '../../names/metrics.ts';
import type { StageConfig } from '../config/stage-config.ts';
import { addressOf } from './address.ts';
import { dynamodbAddress, iotAddress, kafkaAddress, kinesisAddress, logsAddress } from './addresses.ts';
import type { SourceProps } from './intake-source.ts';
import { IotSource } from './iot-source.ts';
import { KafkaSource } from './kafka-source.ts';
import { LogGroupSource } from './log-group-source.ts';
import { DynamodbSource, KinesisSource } from './stream-source.ts';

/** What a source comes by that stands somewhere else, where a stage says where. */
const READ = {
  kinesis: (scope: Construct, id: string, props: SourceProps) => {
    const address = addressOf(scope, props.deployment.stage, props.source, 'kinesis', kinesisAddress);
    return address && new KinesisSource(scope, id, { ...props, address });
  },
  dynamodb: (scope: Construct, id: string, props: SourceProps) => {
    const address = addressOf(scope, props.deployment.stage, props.source, 'dynamodb', dynamodbAddress);
    return address && new DynamodbSource(scope, id, { ...props, address });
  },
  kafka: (scope: Construct, id: string, props: SourceProps) => {
    const address = addressOf(scope, props.deployment.stage, props.source, 'kafka', kafkaAddress);
    return address && new KafkaSource(scope, id, { ...props, address });
  },
  logs: (scope: Construct, id: string, props: SourceProps) => {
    const address = addressOf(scope, props.deployment.stage, props.source, 'logs', logsAddress);
    return address && new LogGroupSource(scope, id, { ...props, address });
  },
  iot: (scope: Construct, id: string, props: SourceProps) => {
    const address = addressOf(scope, props.deployment.stage, props.source, 'iot', iotAddress);
    return address && new IotSource(scope, id, { ...props, address });
  },
} as const;

/** @returns what its metrics are counted by; null where the stage gives no address */
export function addReadSource(
  scope: Construct,
  id: string,
  kind: keyof typeof READ,
  props: SourceProps,
): Service | null {
  return READ[kind](scope, id, props) === null ? null : SERVICE.intakeStream;
}

/** Ways that are deployed wherever the use case is; all others only where the stage gives an address. */
const EVERYWHERE: readonly CarriageKind[] = ['http', 'files'];

/** Whether the stage deploys a way by which this source comes. */
export const isDeployed = (stage: StageConfig, { name, via }: SourceIR): boolean =>
  via.some(({ kind }) => EVERYWHERE.includes(kind) || stage.sources[name]?.[kind] !== undefined);
