import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { METRIC } from '../../lib/monitoring/metric-names.ts';
import { readEnvironment } from '../shared/environment.ts';
import { patient } from '../shared/patience.ts';
import { createTelemetry } from '../shared/telemetry.ts';
import { publisherSchema } from './env.ts';
import { announcement, notificationOf, subjectOf } from './message.ts';

const env = readEnvironment(publisherSchema);
const telemetry = createTelemetry(env);
const sns = new SNSClient(patient());

/** From the outbox to the topic. Published twice after a crash, an alert is still sent once: its receiver claims it. */
export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  let published = 0;
  try {
    for (const record of event.Records) {
      const alert = announcement(record.dynamodb?.NewImage);
      if (!alert) continue;
      try {
        await sns.send(
          new PublishCommand({
            TopicArn: env.ALERT_TOPIC_ARN,
            Subject: subjectOf(alert.title),
            ...notificationOf(alert),
          }),
        );
        published++;
      } catch (error) {
        telemetry.error('an alert stays in the outbox and is published again', error);
        return { batchItemFailures: [{ itemIdentifier: record.dynamodb?.SequenceNumber ?? '' }] };
      }
    }
    return { batchItemFailures: [] };
  } finally {
    telemetry.count(METRIC.alertsPublished, published);
    telemetry.info('published', { published });
    telemetry.flush();
  }
}
