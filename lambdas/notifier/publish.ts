import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { handOver } from '../../engine/alerting/hand-over.ts';
import { type Announcement, notificationOf, subjectOf } from '../../engine/alerting/message.ts';
import { METRIC } from '../../names/metrics.ts';
import { alertOf } from '../aws/dynamo/alert-item.ts';
import type { Item } from '../aws/dynamo/state-item.ts';
import { readEnvironment } from '../aws/environment.ts';
import { patient } from '../aws/patience.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { publisherSchema } from './env.ts';

const env = readEnvironment(publisherSchema);
const telemetry = createTelemetry(env);
const sns = new SNSClient(patient());

/** From the outbox to the topic. Published twice after a crash, an alert is still sent once: its receiver claims it. */
export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const { published, failed } = await handOver(
    event.Records.map((record) => alertOf(record.dynamodb?.NewImage as Item | undefined)),
    publish,
    (error) => telemetry.error('an alert stays in the outbox and is published again', error),
  );
  telemetry.count(METRIC.alertsPublished, published);
  telemetry.info('published', { published });
  telemetry.flush();
  const from = failed === null ? null : event.Records[failed]?.dynamodb?.SequenceNumber;
  return { batchItemFailures: from === null ? [] : [{ itemIdentifier: from ?? '' }] };
}

async function publish(alert: Announcement): Promise<void> {
  const Subject = subjectOf(alert.title);
  await sns.send(new PublishCommand({ TopicArn: env.ALERT_TOPIC_ARN, Subject, ...notificationOf(alert) }));
}
