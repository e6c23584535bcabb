import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { compareSequence } from '../../../core/state/state.ts';
import { PREFIX } from '../../../names/lake.ts';
import { parsePrivateJson } from './private-json.ts';

/**
 * A batch that Lambda gave up: an object `aws/lambda/<mapping>/<shard>/<yyyy>/<mm>/<dd>/<time>-<random>` of the lake, JSON with
 * what is known of the batch and the whole event in `payload`
 * (https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html).
 */
export interface GivenUpBatch {
  readonly key: string;
  /** Who gave it up. */
  readonly functionName: string;
  readonly source: 'kinesis' | 'dynamodb';
  readonly shard: string;
  /** Sequence numbers of its ends, as they were given up: an erasure may have taken records out since. */
  readonly first: string;
  readonly last: string;
  /** When its first record had arrived, ms UTC. */
  readonly arrival_ms: number;
  /** Records as they were given up. */
  readonly size: number;
}

/** What of it is read to put it back; the rest goes through unread. */
const kinesisRecord = z.looseObject({
  kinesis: z.looseObject({ partitionKey: z.string(), data: z.string(), sequenceNumber: z.string() }),
});
export type KinesisRecord = z.infer<typeof kinesisRecord>;

const batchInfo = z.object({
  shardId: z.string().min(1),
  startSequenceNumber: z.string().regex(/^\d+$/),
  endSequenceNumber: z.string().regex(/^\d+$/),
  approximateArrivalOfFirstRecord: z.iso.datetime({ offset: true }),
  batchSize: z.int().min(0),
});
const document = z.object({
  requestContext: z.object({ functionArn: z.string().regex(/^arn:[^:]+:lambda:[^:]+:\d+:function:[^:]+/) }),
  KinesisBatchInfo: batchInfo.optional(),
  DDBStreamBatchInfo: batchInfo.optional(),
  payload: z.union([z.string(), z.looseObject({})]),
});
type Document = z.infer<typeof document>;

export interface Listed {
  /** In the order in which they lay in their shards; shards by their ids, which puts parents before children. */
  readonly batches: readonly GivenUpBatch[];
  /** Keys of objects that are no such record. */
  readonly unreadable: readonly string[];
}

/** All batches that were given up at `since` (ms UTC) or later. One object is held at a time. */
export async function givenUpSince(
  s3: S3Client,
  Bucket: string,
  since: number,
  onSeen: (batches: number) => void = () => {},
): Promise<Listed> {
  const batches: GivenUpBatch[] = [];
  const unreadable: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: s3 },
    { Bucket, Prefix: PREFIX.failedBatches },
  )) {
    for (const { Key = '', LastModified } of Contents) {
      if ((givenUpAt(Key) ?? LastModified?.getTime() ?? 0) < since) continue;
      const found = batchOf(Key, await readDocument(s3, Bucket, Key));
      if (found) batches.push(found);
      else unreadable.push(Key);
      onSeen(batches.length);
    }
  }
  return { batches: batches.sort(inOrder), unreadable };
}

/** From the name of its object, to the second, rounded up: `since` with a fraction must not leave it out. */
function givenUpAt(key: string): number | null {
  const [, day, hour, minute, second] = /\/(\d{4}-\d\d-\d\d)T(\d\d)\.(\d\d)\.(\d\d)-[^/]*$/.exec(key) ?? [];
  return day === undefined ? null : Date.parse(`${day}T${hour}:${minute}:${second}.999Z`);
}

function batchOf(key: string, found: Document | null): GivenUpBatch | null {
  const info = found?.KinesisBatchInfo ?? found?.DDBStreamBatchInfo;
  if (!found || !info) return null;
  return {
    key,
    functionName: found.requestContext.functionArn.split(':')[6]!,
    source: found.KinesisBatchInfo ? 'kinesis' : 'dynamodb',
    shard: info.shardId,
    first: info.startSequenceNumber,
    last: info.endSequenceNumber,
    arrival_ms: Date.parse(info.approximateArrivalOfFirstRecord),
    size: info.batchSize,
  };
}

function inOrder(a: GivenUpBatch, b: GivenUpBatch): number {
  if (a.shard !== b.shard) return a.shard < b.shard ? -1 : 1;
  return compareSequence(a.first, b.first) || compareSequence(a.last, b.last);
}

/** The event of a batch as its function would have got it. @throws Error when the object is gone or holds no records */
export async function eventOf(s3: S3Client, Bucket: string, { key }: GivenUpBatch): Promise<{ Records: unknown[] }> {
  const payload = (await readDocument(s3, Bucket, key))?.payload;
  const event: unknown = typeof payload === 'string' ? parsePrivateJson(payload) : payload;
  return z.looseObject({ Records: z.array(z.unknown()) }).parse(event);
}

/** The records of a batch of the stream, in their order. @throws Error as `eventOf`, and for a record that is none of Kinesis */
export async function recordsOf(s3: S3Client, bucket: string, batch: GivenUpBatch): Promise<KinesisRecord[]> {
  const { Records } = await eventOf(s3, bucket, batch);
  return z.array(kinesisRecord).parse(Records);
}

/** Null for what is no record of a batch that was given up. */
async function readDocument(s3: S3Client, Bucket: string, Key: string): Promise<Document | null> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  try {
    return document.parse(JSON.parse((await Body?.transformToString()) ?? ''));
  } catch {
    return null;
  }
}
