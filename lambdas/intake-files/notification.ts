/** What S3 writes into a queue. */
import { z } from 'zod';

/** A file that has landed. */
export interface Landed {
  readonly bucket: string;
  readonly key: string;
  /** As it is stored. */
  readonly bytes: number;
  /** ms UTC. */
  readonly at: number;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
const created = z.object({
  eventName: z.string().startsWith('ObjectCreated:'),
  eventTime: z.iso.datetime({ offset: true }),
  s3: z.object({
    bucket: z.object({ name: z.string().min(1) }),
    // "The s3 key provides information about the object key name … URL encoded": a blank is a plus sign.
    object: z.object({ key: z.string().min(1), size: z.int().min(0).default(0) }),
  }),
});
/** "When you configure an event notification, Amazon S3 sends a test message." */
const test = z.object({ Event: z.literal('s3:TestEvent') });
const notification = z.union([test, z.object({ Records: z.array(created) })]);

/** @throws ZodError for what S3 does not write: the message then waits in the dead-letter queue */
export function landedIn(body: string): readonly Landed[] {
  const found = notification.parse(JSON.parse(body));
  if (!('Records' in found)) return [];
  return found.Records.map(({ eventTime, s3: { bucket, object } }) => ({
    bucket: bucket.name,
    key: decodeURIComponent(object.key.replaceAll('+', ' ')),
    bytes: object.size,
    at: Date.parse(eventTime),
  })).filter(({ key }) => !key.endsWith('/'));
}
