import { Aws } from 'aws-cdk-lib';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage-config.ts';
import { removalPolicy } from './removal.ts';

/**
 * Services that write to encrypted topics and queues: whether they send `aws:SourceAccount` with their calls to KMS. "Adding
 * the aws:SourceAccount and aws:SourceArn to a AWS KMS policy is not supported for EventBridge-to-encrypted topics"
 * (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html): under that condition events are lost.
 */
const SAYS_SOURCE = {
  'cloudwatch.amazonaws.com': true,
  'events.amazonaws.com': false,
  's3.amazonaws.com': true,
  'sns.amazonaws.com': true,
} as const;

export type PublishingService = keyof typeof SAYS_SOURCE;

/** The key of all data at rest: ours in stages that ask for it, else the services' own and `key` is undefined. */
export class DataKey extends Construct {
  readonly key?: Key;

  constructor(scope: Construct, id: string, props: { readonly stage: StageConfig }) {
    super(scope, id);
    if (props.stage.encryption === 'aws') return;
    this.key = new Key(this, 'Key', {
      description: `Tidemark ${props.stage.stage}: tables, lake, stream, topics and secret`,
      enableKeyRotation: true,
      // Without its key the retained data is lost too: it goes only where the data may go.
      removalPolicy: removalPolicy(props.stage, true),
    });
  }

  /** May read what is encrypted with the key. */
  grantDecrypt(grantee: IGrantable): void {
    this.grant(grantee, 'kms:Decrypt');
  }

  /** May read and write what is encrypted with the key. */
  grantUse(grantee: IGrantable): void {
    this.grant(
      grantee,
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
    );
  }

  /**
   * Alarms and event rules write to encrypted topics and queues as a service, not as a role of ours. The key asks that they
   * do it for this account, of those that say for whom they do it.
   */
  grantPublishers(...services: readonly PublishingService[]): void {
    for (const service of services) {
      this.key?.addToResourcePolicy(
        new PolicyStatement({
          sid: `PublishAs${service.charAt(0).toUpperCase()}${service.slice(1, service.indexOf('.'))}`,
          principals: [new ServicePrincipal(service)],
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources: ['*'],
          ...(SAYS_SOURCE[service] ? { conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } } } : {}),
        }),
      );
    }
  }

  private grant(grantee: IGrantable, ...actions: string[]): void {
    if (this.key !== undefined) Grant.addToPrincipal({ grantee, actions, resourceArns: [this.key.keyArn] });
  }

  /** For L2 properties named `encryptionKey`. */
  get optional(): IKey | undefined {
    return this.key;
  }
}
