import { S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { keepDecided } from '../../engine/alerting/decided.ts';
import { handOver } from '../../engine/alerting/hand-over.ts';
import { type Announcement, notificationOf, subjectOf } from '../../engine/alerting/message.ts';
import { METRIC } from '../../names/metrics.ts';
import { alertOf, decidedOf, outcomeOf } from '../aws/dynamo/alert-item.ts';
import type { Item } from '../aws/dynamo/state-item.ts';
import { readEnvironment } from '../aws/environment.ts';
import { LakeSink } from '../aws/lake.ts';
import { patient } from '../aws/patience.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { publisherSchema } from './env.ts';

const env = readEnvironment(publisherSchema);
const telemetry = createTelemetry(env);
const sns = new SNSClient(patient());
const lake = new LakeSink(new S3Client(patient()), env.LAKE_BUCKET);

/**
 * What becomes of alerts, and what people say of them, to the lake, and from the outbox to the topic. Published twice after a
 * crash, an alert is still sent once: its receiver claims it.
 */
export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const records = event.Records.map(({ dynamodb }) => dynamodb?.NewImage as Item | undefined);
  try {
    // First, as it may be repeated: of a batch that is given back in part, those before have their lines.
    await keep(event);
    const { published, failed } = await handOver(records.map(alertOf), publish, (error) =>
      telemetry.error('an alert stays in the outbox and is published again', error),
    );
    telemetry.count(METRIC.alertsPublished, published);
    telemetry.info('published', { published });
    const from = failed === null ? null : event.Records[failed]?.dynamodb?.SequenceNumber;
    return { batchItemFailures: from === null ? [] : [{ itemIdentifier: from ?? '' }] };
  } finally {
    telemetry.flush();
  }
}

async function keep({ Records }: DynamoDBStreamEvent): Promise<void> {
  const written = (seconds: number | undefined) => Math.round((seconds ?? Date.now() / 1000) * 1000);
  const times = Records.map(({ dynamodb }) => written(dynamodb?.ApproximateCreationDateTime));
  const items = Records.map(({ dynamodb }) => dynamodb?.NewImage as Item | undefined);
  const decided = items.flatMap((item, i) => decidedOf(item, times[i]!) ?? []);
  await keepDecided(
    lake,
    decided,
    items.flatMap((item) => outcomeOf(item) ?? []),
    times[0] ?? Date.now(),
  );
}

async function publish(alert: Announcement): Promise<void> {
  const Subject = subjectOf(alert.title);
  await sns.send(new PublishCommand({ TopicArn: env.ALERT_TOPIC_ARN, Subject, ...notificationOf(alert) }));
}
