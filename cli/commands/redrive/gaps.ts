import { gzipSync } from 'node:zlib';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { archiveKey, PREFIX } from '../../../names/lake.ts';
import type { Clients } from '../../stage/connection.ts';

type S3 = Pick<Clients, 's3'>['s3'];

/** A part of a shard that the archiver gave up and that nobody has brought back; the compaction writes these down. */
export interface Gap {
  /** When its first record arrived, yyyy-mm-dd. */
  readonly day: string;
  readonly shard: string;
  readonly first: string;
  readonly last: string;
  /** Whether the batch is still there to be put back. */
  readonly recoverable: boolean;
}

const NAME = /^dt=(\d{4}-\d\d-\d\d)\/([^/]+)\/(\d+)-(\d+)\.json$/;
const body = z.object({ batch: z.string() });

/** The gaps that the last compaction knew of (tidemark_spark/lake/archive/gaps.py). */
export async function gapsOf(s3: S3, Bucket: string): Promise<Gap[]> {
  const gaps: Gap[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix: PREFIX.gaps })) {
    for (const { Key = '' } of Contents) {
      const [, day, shard, first, last] = NAME.exec(Key.slice(PREFIX.gaps.length)) ?? [];
      if (day === undefined) continue;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      const { batch } = body.parse(JSON.parse((await Body?.transformToString()) ?? '{}'));
      gaps.push({ day, shard: shard!, first: first!, last: last!, recoverable: await exists(s3, Bucket, batch) });
    }
  }
  return gaps;
}

async function exists(s3: S3, Bucket: string, Key: string): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket, Key }));
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFound') return false;
    throw error;
  }
}

/**
 * Writes the object that says that a part of a shard is archived, with no event in it: what the archiver writes where all of
 * a batch was refused. For a part that is gone for good, or of which an erasure has left nothing.
 */
export async function closeGap(
  s3: S3,
  Bucket: string,
  { arrival_ms, shard, first, last }: { arrival_ms: number; shard: string; first: string; last: string },
): Promise<void> {
  const Key = archiveKey('events', arrival_ms, shard, first, last);
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: gzipSync(''), ContentType: 'application/x-ndjson' }));
}
