import { InvokeCommand } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { SERVICE } from '../../../names/metrics.ts';
import { messageOf } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import type { Watch } from '../../stage/jobs.ts';
import type { Resources } from '../../stage/resources.ts';
import { physicalIds, readTemplate } from '../../stage/stack-template.ts';
import { putAll } from '../../stage/stream-writer.ts';
import { eventOf, type GivenUpBatch, recordsOf } from './batches.ts';
import { closeGap } from './gaps.ts';

/**
 * What becomes of the batches of each reader:
 * - `stream`: its records go into the stream again, under their own keys. Only there do they get a position behind the
 *   watermarks that moved on without them; those that were applied are recognised by their ids.
 * - `invoke`: the function gets the event once more, as it was. For the archiver, which writes the object that is missing,
 *   at its old position, and for the publisher, whose alerts are claimed before they are sent.
 * - `none`: an image of a state that was given up is older than what the sweep has scored since.
 */
const WAYS = {
  [SERVICE.processor]: 'stream',
  [SERVICE.archiver]: 'invoke',
  [SERVICE.publisher]: 'invoke',
  [SERVICE.scorer]: 'none',
} as const satisfies Record<string, 'stream' | 'invoke' | 'none'>;
type Reader = keyof typeof WAYS;

/** Of one reader: what it gave up. */
export interface ToRedrive {
  readonly reader: Reader | 'unknown';
  readonly batches: readonly GivenUpBatch[];
}

/** The batches by who gave them up, in the order in which they are put back: the archive comes first, with its older truth. */
export async function byReader(
  { cloudformation }: Pick<Clients, 'cloudformation'>,
  resources: Resources,
  batches: readonly GivenUpBatch[],
): Promise<ToRedrive[]> {
  const readers = await readersOf(cloudformation, resources);
  const order = ['archiver', 'processor', 'publisher', 'scorer', 'unknown'] as const;
  const of = (batch: GivenUpBatch) => readers.get(batch.functionName) ?? 'unknown';
  return order
    .map((reader) => ({ reader, batches: batches.filter((batch) => of(batch) === reader) }))
    .filter((one) => one.batches.length > 0);
}

const variables = z.object({ Environment: z.object({ Variables: z.object({ POWERTOOLS_SERVICE_NAME: z.string() }) }) });

/** Name of a deployed function → which reader of a stream it is. */
async function readersOf(client: Clients['cloudformation'], resources: Resources): Promise<Map<string, Reader>> {
  const found = new Map<string, Reader>();
  for (const { StackName = '' } of resources.stacks) {
    const physical = await physicalIds(client, StackName);
    for (const [id, { Type, Properties }] of Object.entries(await readTemplate(client, StackName))) {
      const service = variables.safeParse(Properties).data?.Environment.Variables.POWERTOOLS_SERVICE_NAME;
      if (Type === 'AWS::Lambda::Function' && service !== undefined && service in WAYS)
        found.set(physical.get(id) ?? '', service as Reader);
    }
  }
  return found;
}

export interface PutBack {
  readonly batches: number;
  readonly records: number;
  /** Of each shard, why its first batch that is still there failed; never a payload. */
  readonly failed: readonly string[];
}

/**
 * Puts batches of one reader back, in their order, and deletes the object of each that was taken, so that a second run has
 * nothing of it to do. What lies behind a batch that fails, in its shard, must not overtake it and waits for the next run; other
 * shards go on.
 */
export async function putBack(
  clients: Pick<Clients, 's3' | 'kinesis' | 'lambda'>,
  { bucket, stream }: { readonly bucket: string; readonly stream: string },
  { reader, batches }: ToRedrive,
  watch: Watch = {},
): Promise<PutBack> {
  const way = reader === 'unknown' ? 'none' : WAYS[reader];
  if (way === 'none') return { batches: 0, records: 0, failed: [] };
  let [done, records] = [0, 0];
  const sent = new Sent();
  const failed = new Map<string, string>();
  for (const batch of batches) {
    watch.signal?.throwIfAborted();
    if (failed.has(batch.shard)) continue;
    try {
      records +=
        way === 'stream'
          ? await toStream(clients, bucket, stream, batch, sent)
          : await toFunction(clients, bucket, batch, reader === 'archiver');
      await clients.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: batch.key }));
    } catch (error) {
      failed.set(batch.shard, `${batch.key}: ${messageOf(error)}`);
      continue;
    }
    done += 1;
    watch.onState?.(`${done} of ${batches.length} batches, ${records} records`);
  }
  return { batches: done, records, failed: [...failed.values()] };
}

/** Positions of a shard that were put back: two pollers may both have given up the same records. */
class Sent {
  private shard = '';
  private readonly positions = new Set<string>();

  /** Whether it is the first time. Batches come shard by shard. */
  add(shard: string, sequence_number: string): boolean {
    if (shard !== this.shard) this.positions.clear();
    this.shard = shard;
    if (this.positions.has(sequence_number)) return false;
    this.positions.add(sequence_number);
    return true;
  }
}

async function toStream(
  { s3, kinesis }: Pick<Clients, 's3' | 'kinesis'>,
  bucket: string,
  stream: string,
  batch: GivenUpBatch,
  sent: Sent,
): Promise<number> {
  const records = await recordsOf(s3, bucket, batch);
  const fresh = records.filter((one) => sent.add(batch.shard, one.kinesis.sequenceNumber));
  const put = fresh.map(({ kinesis: { partitionKey, data } }) => ({ partitionKey, data: Buffer.from(data, 'base64') }));
  return (await putAll(kinesis, stream, put)).records;
}

const answer = z.object({ batchItemFailures: z.array(z.unknown()).nullish() }).nullish();

async function toFunction(
  { s3, lambda }: Pick<Clients, 's3' | 'lambda'>,
  bucket: string,
  batch: GivenUpBatch,
  archives: boolean,
): Promise<number> {
  const event = await eventOf(s3, bucket, batch);
  if (event.Records.length > 0) {
    const Payload = Buffer.from(JSON.stringify(event));
    const { FunctionError, Payload: said } = await lambda.send(
      new InvokeCommand({ FunctionName: batch.functionName, Payload }),
    );
    if (FunctionError !== undefined) throw new Error(`${batch.functionName} failed (${FunctionError}); see its log`);
    const failures = answer.parse(JSON.parse(Buffer.from(said ?? []).toString('utf8') || 'null'))?.batchItemFailures;
    if (failures && failures.length > 0) throw new Error(`${batch.functionName} failed again; see its log`);
  }
  // What the archiver writes reaches from its first record to its last: an erasure may have taken just those.
  if (archives) {
    const own = event.Records as { kinesis?: { sequenceNumber?: string } }[];
    const ends = [own[0], own.at(-1)].map((one) => one?.kinesis?.sequenceNumber);
    if (ends[0] !== batch.first || ends[1] !== batch.last) await closeGap(s3, bucket, batch);
  }
  return event.Records.length;
}
