import {
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import { tombstoneOf } from '../../../core/admission/tombstone.ts';
import type { Tombstones } from '../../../engine/ports.ts';
import { ERASED_KEY, ERASURES_KEY, featuresKey } from '../../../names/keys.ts';

/** How often the list was changed, and one erased entity, whose hash is the sort key. */
const countSchema = z.object({ changes: z.number() });
const tombstoneSchema = z.object({ view: z.string() });

/** An answer may be as old as this, ms: an erasure waits longer than the longest call (SETTLE_SECONDS). */
const FRESH_MS = 1000;
/** After so long the list is read again in any case, ms: a tombstone that was put by hand counts nothing. */
const LIST_MS = 60_000;

export interface TombstoneOptions {
  /** @default 1000 */
  readonly fresh_ms?: number;
  /** ms. @default Date.now */
  readonly now?: () => number;
}

/**
 * Who was erased, as a list in memory. All tombstones lie under one partition key, which gives 3,000 read units a second and
 * no more (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html), whatever the number
 * of entities: so nobody asks there for an entity. Once a second at most a function asks whether the list has changed, which
 * is one unit, and reads it when it has: some 35 tombstones a unit.
 */
export class DynamoTombstones implements Tombstones {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly fresh_ms: number;
  private readonly now: () => number;
  private list: { readonly changes: number; readonly hashes: ReadonlySet<string>; readonly read_at: number } | null =
    null;
  private asked_at = Number.NEGATIVE_INFINITY;
  private asking: Promise<ReadonlySet<string>> | null = null;

  constructor(client: DynamoDBClient, table: string, { fresh_ms = FRESH_MS, now = Date.now }: TombstoneOptions = {}) {
    this.client = client;
    this.table = table;
    this.fresh_ms = fresh_ms;
    this.now = now;
  }

  async erased(entity_ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (entity_ids.length === 0) return new Set();
    const hashes = await this.current();
    return new Set(hashes.size === 0 ? [] : entity_ids.filter((id) => hashes.has(tombstoneOf(id))));
  }

  private current(): Promise<ReadonlySet<string>> | ReadonlySet<string> {
    if (this.list && this.now() - this.asked_at < this.fresh_ms) return this.list.hashes;
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  /** The count comes first: a list that is read afterwards holds all that it counts. */
  private async ask(): Promise<ReadonlySet<string>> {
    const asked_at = this.now();
    const Key = featuresKey(ERASURES_KEY, ERASURES_KEY);
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    const { changes } = Item ? countSchema.parse(unmarshall(Item)) : { changes: 0 };
    if (this.list?.changes !== changes || asked_at - this.list.read_at >= LIST_MS)
      this.list = { changes, hashes: await this.read(), read_at: asked_at };
    this.asked_at = asked_at;
    return this.list.hashes;
  }

  private async read(): Promise<ReadonlySet<string>> {
    const hashes = new Set<string>();
    const query = {
      TableName: this.table,
      ConsistentRead: true,
      KeyConditionExpression: 'entity_id = :erased',
      ExpressionAttributeValues: marshall({ ':erased': ERASED_KEY }),
    };
    for await (const { Items = [] } of paginateQuery({ client: this.client }, query))
      for (const item of Items) hashes.add(tombstoneSchema.parse(unmarshall(item)).view);
    return hashes;
  }
}

/**
 * Puts a tombstone into the list and counts the change. May be repeated.
 * @param hash `tombstoneOf` the entity. @param cleared_at when the online stores were cleared of it, ms UTC; 0: not yet
 */
export async function putTombstone(
  client: DynamoDBClient,
  TableName: string,
  hash: string,
  cleared_at: number,
): Promise<void> {
  const Item = { ...featuresKey(ERASED_KEY, hash), ...marshall({ cleared_at }) };
  const count = {
    TableName,
    Key: featuresKey(ERASURES_KEY, ERASURES_KEY),
    UpdateExpression: 'ADD changes :one',
    ExpressionAttributeValues: marshall({ ':one': 1 }),
  };
  await client.send(
    new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item } }, { Update: count }] }),
  );
}
