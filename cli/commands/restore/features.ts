/** Makes the features table anew from the lake: a table that was lost, emptied, spoilt, or put back from a point in time. */
import { BatchWriteItemCommand, type DynamoDBClient, paginateScan, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  type KinesisClient,
  ListShardsCommand,
  type ListShardsCommandOutput,
  PutRecordCommand,
} from '@aws-sdk/client-kinesis';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { CLOCK_KEY, CUTOVER_KEY, ERASED_KEY, ERASURES_KEY, featuresKey } from '../../../names/keys.ts';
import type { Clients } from '../../stage/connection.ts';
import { runGlueJob, type Watch } from '../../stage/jobs.ts';
import type { Resources } from '../../stage/resources.ts';
import { putTombstonesBack } from '../erase/tombstones.ts';
import { lastCallEnded, pauseReader, resumeReader } from './pause.ts';

const BATCH = 25;
/** What is no state and is not made by the backfill. */
const KEPT: readonly string[] = [ERASED_KEY, ERASURES_KEY, CLOCK_KEY];
/** No contract knows it. */
const MARKER = { event_type: 'tidemark.restore', event_id: 'restore' };

export interface RestoredFeatures {
  readonly tombstones: number;
  /** Items that were there and could not be trusted: states, fences and cutovers. */
  readonly cleared: number;
}

/**
 * A point in time is before what the processor has read since, and no watermark says so: states of it would keep a hole.
 * So none is kept. The processor stops; tombstones come first, then the version cuts over anew behind a marker in each
 * shard, the backfill makes all that lies before the marker, and raises the fence last. May be repeated at any point; while it
 * has not ended, nothing is served and the stream keeps what comes.
 * @throws CliError when a job fails; the processor stays paused then
 */
export async function restoreFeatures(
  clients: Clients,
  resources: Resources,
  usecase: UseCaseIR,
  watch: Watch = {},
): Promise<RestoredFeatures> {
  const { dynamodb, kinesis, lambda } = clients;
  const table = resources.get('featuresTable');
  const processor = resources.get('processorFunction');
  await pauseReader(lambda, processor, watch);
  await lastCallEnded(lambda, processor, watch);
  watch.onState?.('puts the tombstones back');
  const tombstones = await putTombstonesBack(clients, resources);
  watch.onState?.('clears the table');
  const cleared = await clearStates(dynamodb, table);
  const positions = await putMarkers(kinesis, resources.get('stream'));
  for (const { version } of usecase.views) await cutOverAt(dynamodb, table, version, positions);
  await runGlueJob(clients, resources, 'backfillStates', {}, watch);
  await resumeReader(lambda, processor);
  return { tombstones: tombstones.size, cleared };
}

/** Deletes states, fences and cutovers. @returns how many items */
export async function clearStates(client: DynamoDBClient, TableName: string): Promise<number> {
  let cleared = 0;
  const scan = { TableName, ProjectionExpression: 'entity_id, #view', ExpressionAttributeNames: { '#view': 'view' } };
  for await (const { Items = [] } of paginateScan({ client }, { ...scan, ConsistentRead: true })) {
    const keys = Items.filter(({ entity_id }) => !KEPT.includes(entity_id?.S ?? ''));
    for (let at = 0; at < keys.length; at += BATCH) {
      let open = keys.slice(at, at + BATCH).map((Key) => ({ DeleteRequest: { Key } }));
      while (open.length > 0) {
        const request = new BatchWriteItemCommand({ RequestItems: { [TableName]: open } });
        const { UnprocessedItems } = await client.send(request);
        open = (UnprocessedItems?.[TableName] ?? []) as typeof open;
      }
    }
    cleared += keys.length;
  }
  return cleared;
}

/**
 * Puts a record into each open shard: all that the paused processor has read lies before it. Its contract refuses it, so
 * that it is no feature's input; the archive reaches up to it when all before is archived.
 * @returns shard → sequence number
 */
async function putMarkers(client: KinesisClient, StreamName: string): Promise<ReadonlyMap<string, string>> {
  const positions = new Map<string, string>();
  for (const ExplicitHashKey of await firstHashKeys(client, StreamName)) {
    const { ShardId = '', SequenceNumber = '' } = await client.send(
      new PutRecordCommand({
        StreamName,
        PartitionKey: MARKER.event_id,
        ExplicitHashKey,
        Data: Buffer.from(JSON.stringify(MARKER)),
      }),
    );
    positions.set(ShardId, SequenceNumber);
  }
  return positions;
}

/** Of each open shard, the first hash key that is its own. */
async function firstHashKeys(client: KinesisClient, StreamName: string): Promise<string[]> {
  const found: string[] = [];
  let NextToken: string | undefined;
  do {
    const page: ListShardsCommandOutput = await client.send(
      new ListShardsCommand(NextToken ? { NextToken } : { StreamName }),
    );
    for (const { HashKeyRange, SequenceNumberRange } of page.Shards ?? [])
      if (SequenceNumberRange?.EndingSequenceNumber === undefined) found.push(HashKeyRange?.StartingHashKey ?? '');
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** The item of lambdas/aws/dynamo/cutovers.ts: what lies at a marker or behind it is the stream's. */
async function cutOverAt(
  client: DynamoDBClient,
  TableName: string,
  view: string,
  positions: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [shard, position] of positions) {
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: featuresKey(CUTOVER_KEY, view),
        UpdateExpression: 'SET #shard = :position',
        ExpressionAttributeNames: { '#shard': shard },
        ExpressionAttributeValues: { ':position': { S: position } },
      }),
    );
  }
}
