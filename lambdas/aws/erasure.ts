/** Forgetting an entity: written down where no restore reaches, where functions and jobs ask, and out of the online tables. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteItemCommand, type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { tombstoneOf } from '../../core/admission/tombstone.ts';
import { objectKey } from '../../names/lake.ts';
import { putTombstone } from './dynamo/tombstones.ts';

export interface Tombstone {
  /** `tombstoneOf` the entity. */
  readonly hash: string;
  /** When the online stores were cleared of it, ms UTC; 0: not yet. */
  readonly cleared_at: number;
}

interface ErasureClients {
  readonly s3: S3Client;
  readonly dynamodb: DynamoDBClient;
}

interface OnlineStore {
  readonly table: string;
  /** Name of its sort key; the partition key is the entity. */
  readonly sortKey: string;
}

interface ErasureStores {
  readonly lakeBucket: string;
  readonly featuresTable: string;
  readonly online: readonly OnlineStore[];
}

/** The lake first: an entity is erased from nowhere before it is written down where no restore reaches. */
export async function writeTombstone(
  { s3, dynamodb }: ErasureClients,
  { lakeBucket, featuresTable }: Pick<ErasureStores, 'lakeBucket' | 'featuresTable'>,
  { hash, cleared_at }: Tombstone,
): Promise<void> {
  await s3.send(
    new PutObjectCommand({
      Bucket: lakeBucket,
      Key: objectKey('tombstone', { hash }),
      Body: JSON.stringify({ cleared_at }),
      ContentType: 'application/json',
    }),
  );
  await putTombstone(dynamodb, featuresTable, hash, cleared_at);
}

/** Longer than a function acts on the list of tombstones that it read before. */
const SETTLE_MS = 1500;

/**
 * Tombstone, online stores once nobody acts on an older list, tombstone with the time. What the lake has goes with the next
 * erasure, or its weekly run. May be repeated.
 */
export async function forget(clients: ErasureClients, stores: ErasureStores, entity_id: string): Promise<void> {
  const hash = tombstoneOf(entity_id);
  await writeTombstone(clients, stores, { hash, cleared_at: 0 });
  await sleep(SETTLE_MS);
  for (const store of stores.online) await clearOf(clients.dynamodb, store, entity_id);
  await writeTombstone(clients, stores, { hash, cleared_at: Date.now() });
}

/** Deletes all that a table has of an entity. @returns items deleted */
export async function clearOf(client: DynamoDBClient, store: OnlineStore, entity_id: string): Promise<number> {
  const items = await itemsOf(client, store, entity_id);
  for (const item of items) {
    const Key = { entity_id: { S: entity_id }, [store.sortKey]: { S: item } };
    await client.send(new DeleteItemCommand({ TableName: store.table, Key }));
  }
  return items.length;
}

/** Sort keys of the entity's items in one table. */
export async function itemsOf(
  client: DynamoDBClient,
  { table, sortKey }: OnlineStore,
  entity_id: string,
): Promise<string[]> {
  const keys: string[] = [];
  const query = {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: 'entity_id = :entity',
    ExpressionAttributeValues: { ':entity': { S: entity_id } },
  };
  for await (const { Items = [] } of paginateQuery({ client }, query))
    keys.push(...Items.map((item) => item[sortKey]?.S ?? ''));
  return keys;
}
