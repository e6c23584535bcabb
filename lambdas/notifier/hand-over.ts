import type { DynamoDBRecord } from 'aws-lambda';
import { type Announcement, announcement } from './message.ts';

type OutboxRecord = Pick<DynamoDBRecord, 'dynamodb'>;

export interface HandedOver {
  readonly published: number;
  /** Place from which everything is delivered again; null when all is published. */
  readonly failed: number | null;
}

/** One alert after the other, up to the first that the topic does not take. Records of anything else are passed over. */
export async function handOver(
  records: readonly OutboxRecord[],
  publish: (alert: Announcement) => Promise<void>,
  onFailure: (error: unknown) => void,
): Promise<HandedOver> {
  let published = 0;
  for (const [place, record] of records.entries()) {
    const alert = announcement(record.dynamodb?.NewImage);
    if (!alert) continue;
    try {
      await publish(alert);
      published++;
    } catch (error) {
      onFailure(error);
      return { published, failed: place };
    }
  }
  return { published, failed: null };
}
