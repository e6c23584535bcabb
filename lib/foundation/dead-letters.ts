import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { DataKey } from './data-key.ts';
import { acknowledge } from './wildcards.ts';

/** A queue that only keeps what failed, for two weeks; TLS only. */
export function deadLetterQueue(scope: Construct, id: string, key: DataKey): Queue {
  const queue = new Queue(scope, id, {
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    encryption: key.key === undefined ? QueueEncryption.SQS_MANAGED : QueueEncryption.KMS,
    encryptionMasterKey: key.key,
  });
  const reason = 'It is itself a dead-letter queue, with an alarm; nothing reads it that could fail.';
  acknowledge(queue, { id: 'AwsSolutions-SQS3', reason }, { id: 'Serverless-SQSRedrivePolicy', reason });
  return queue;
}
