import { setTimeout as sleep } from 'node:timers/promises';
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';

/** Limits of PutRecords and of one record (data plus partition key). */
export const MAX_RECORDS = 500;
export const MAX_REQUEST_BYTES = 5 * 1024 * 1024;
export const MAX_RECORD_BYTES = 1024 * 1024;
const MAX_ATTEMPTS = 10;
const FIRST_BACKOFF_MS = 50;

export interface StreamRecord {
  readonly data: Uint8Array;
  readonly partitionKey: string;
}

export interface Position {
  readonly shard: string;
  readonly sequence: string;
}

export interface Written {
  readonly records: number;
  /** Records sent again because the stream refused them (throttled or failed inside). */
  readonly retried: number;
}

/** Records the stream did not take although they were sent again with growing pauses. */
export class RecordsNotTakenError extends Error {
  constructor(stream: string, count: number, codes: readonly string[]) {
    super(
      `stream ${stream} did not take ${count} records after ${MAX_ATTEMPTS} attempts (${codes.join(', ')}); send them again later`,
    );
    this.name = 'RecordsNotTakenError';
  }
}

function sizeOf(record: StreamRecord): number {
  return record.data.length + Buffer.byteLength(record.partitionKey);
}

export interface PutOptions<R extends StreamRecord = StreamRecord> {
  /** Pause before the first repetition (ms); it doubles up to 60 times as much. @default 50 */
  readonly firstBackoffMs?: number;
  /** Called after each call with the number of records taken so far. */
  readonly onProgress?: (taken: number) => void;
  /** Called for each record with where the stream put it. */
  readonly onTaken?: (record: R, position: Position) => void;
}

/**
 * Writes records in as few PutRecords calls as the limits allow. A call answers 200 although some of its records
 * failed: only those are sent again. Calls follow one another, so records of one key stay in order unless one of them
 * was refused.
 * @throws RangeError for a record above 1 MiB (data plus key), RecordsNotTakenError
 */
export async function putAll<R extends StreamRecord>(
  client: KinesisClient,
  streamName: string,
  records: Iterable<R> | AsyncIterable<R>,
  options: PutOptions<R> = {},
): Promise<Written> {
  let batch: R[] = [];
  let bytes = 0;
  let taken = 0;
  let retried = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    retried += await putBatch(client, streamName, batch, options);
    taken += batch.length;
    options.onProgress?.(taken);
    batch = [];
    bytes = 0;
  };
  for await (const record of records) {
    const size = sizeOf(record);
    if (size > MAX_RECORD_BYTES) {
      throw new RangeError(
        `a record has ${size} bytes with its partition key; a Kinesis record may have ${MAX_RECORD_BYTES}`,
      );
    }
    if (batch.length === MAX_RECORDS || bytes + size > MAX_REQUEST_BYTES) await flush();
    batch.push(record);
    bytes += size;
  }
  await flush();
  return { records: taken, retried };
}

/** @returns how many records had to be sent again */
async function putBatch<R extends StreamRecord>(
  client: KinesisClient,
  streamName: string,
  batch: readonly R[],
  options: PutOptions<R>,
): Promise<number> {
  let open = batch;
  let retried = 0;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await client.send(
      new PutRecordsCommand({
        StreamName: streamName,
        Records: open.map((record) => ({ Data: record.data, PartitionKey: record.partitionKey })),
      }),
    );
    const results = answer.Records ?? [];
    for (const [index, record] of open.entries()) {
      const { ErrorCode, ShardId, SequenceNumber } = results[index] ?? {};
      if (!ErrorCode && ShardId && SequenceNumber)
        options.onTaken?.(record, { shard: ShardId, sequence: SequenceNumber });
    }
    const refused = open.filter((_, index) => results[index]?.ErrorCode !== undefined);
    if (refused.length === 0) return retried;
    if (attempt === MAX_ATTEMPTS) {
      const codes = [...new Set(results.flatMap((result) => result.ErrorCode ?? []))];
      throw new RecordsNotTakenError(streamName, refused.length, codes);
    }
    retried += refused.length;
    open = refused;
    const first = options.firstBackoffMs ?? FIRST_BACKOFF_MS;
    await sleep(first * Math.min(60, 2 ** attempt) * (0.5 + Math.random() / 2));
  }
}
