import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactionConflictException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { ERASED_KEY, tombstoneOf } from '../../../core/admission/tombstone.ts';
import { decodeState, encodeState } from '../../../core/state/codec.ts';
import { highestMarks, mergeStates } from '../../../core/state/merge.ts';
import type { ViewPlan } from '../../../core/state/plan.ts';
import { type EntityState, expiresAt } from '../../../core/state/state.ts';
import { MAX_STATE_BYTES } from '../../../core/state/state-size.ts';
import { MAX_TRIES, pause } from '../../../engine/backoff.ts';
import { chunks } from '../../../engine/chunks.ts';
import {
  type Positions,
  type ReplayClock,
  type StateMarks,
  type StateStore,
  StateTooLargeError,
  type StoredState,
  type Tombstones,
  type Unreadable,
  WHOLE,
} from '../../../engine/ports.ts';
import { MAX_ITEM_BYTES, sizeOf } from './item-size.ts';
import { DynamoTombstones } from './tombstones.ts';

export const CLOCK_KEY = '#clock';
export const FENCE_KEY = '#fence';
/** How long a fence that was seen is believed to stand. */
const FENCE_HOLDS_MS = 60_000;
export const BATCH_GET_LIMIT = 100;
export { MAX_STATE_BYTES };

export type Item = Readonly<Record<string, AttributeValue>>;

/**
 * The state of an item. The backfill puts what came before the join beside what came since (`base`); whoever reads the item
 * merges them, and the next write of the processor stores the merged state alone.
 * @throws CodecError when the bytes can't be read by this code
 */
export function stateOf(plan: ViewPlan, item: Item): StoredState {
  const state = decodeState(plan, item.state!.B!, marksOf(item.watermarks));
  const version = Number(item.version!.N);
  const [joined, seeded, heal] = [item.joined, item.seeded, item.heal].map((flag) => flag?.BOOL === true);
  if (item.base === undefined) return { state, version, marks: { joined: joined!, seeded: seeded!, heal: heal! } };
  const base = decodeState(plan, item.base.B!, marksOf(item.base_watermarks));
  const { state: merged, twice } = mergeStates(plan, base, state, { seeded });
  return { state: merged, version, marks: { ...WHOLE, heal: heal! || twice > 0 }, twice };
}

/** @param items one an entity. @param unreadable @default - an item that can't be read is thrown for */
export function statesOf(
  plan: ViewPlan,
  items: readonly Item[],
  unreadable?: Unreadable,
): ReadonlyMap<string, StoredState> {
  const found = new Map<string, StoredState>();
  for (const item of items) {
    const entity_id = item.entity_id!.S!;
    try {
      found.set(entity_id, stateOf(plan, item));
    } catch (error) {
      if (!unreadable) throw error;
      unreadable(entity_id, error);
    }
  }
  return found;
}

function marksOf(attribute: AttributeValue | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(attribute?.M ?? {}).map(([shard, mark]) => [shard, mark.S!]));
}

/** States of one view version: one item an entity, read with one key, written under a condition on its version. */
export class DynamoStates implements StateStore {
  private fenced_until = 0;
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly plan: ViewPlan;
  private readonly tombstones: Tombstones;
  /** Whose replacement lost, until they are written. */
  private readonly lost = new Set<string>();

  /** @param tombstones @default - those of the table */
  constructor(
    client: DynamoDBClient,
    table: string,
    plan: ViewPlan,
    tombstones: Tombstones = new DynamoTombstones(client, table),
  ) {
    this.client = client;
    this.table = table;
    this.plan = plan;
    this.tombstones = tombstones;
  }

  async read(entity_ids: readonly string[], unreadable?: Unreadable): Promise<ReadonlyMap<string, StoredState>> {
    const keys = entity_ids.map((id) => ({ entity_id: { S: id }, view: { S: this.plan.view.version } }));
    return statesOf(this.plan, await batchGet(this.client, this.table, keys), unreadable);
  }

  async write(
    entity_id: string,
    state: EntityState,
    version: number | null,
    marks: StateMarks = WHOLE,
  ): Promise<number | 'conflict' | 'erased'> {
    const bytes = encodeState(this.plan, state);
    if (bytes.length > MAX_STATE_BYTES) {
      throw new StateTooLargeError(
        `state: found ${bytes.length} bytes; allowed: up to ${MAX_STATE_BYTES}; narrow windows or caps of the view`,
      );
    }
    const expires = expiresAt(this.plan, state);
    const watermarks = Object.entries(state.watermarks).map(([shard, mark]) => [shard, { S: mark }] as const);
    const flags = Object.entries(marks).flatMap(([name, set]) => (set ? [[name, { BOOL: true }] as const] : []));
    const Item = {
      entity_id: { S: entity_id },
      view: { S: this.plan.view.version },
      state: { B: bytes },
      version: { N: String((version ?? 0) + 1) },
      watermarks: { M: Object.fromEntries(watermarks) },
      newest_event_time: { N: String(state.newest_event_time) },
      newest_available_at: { N: String(state.newest_available_at) },
      ...(expires === null ? {} : { expires_at: { N: String(expires) } }),
      ...Object.fromEntries(flags),
    };
    const size = sizeOf(Item);
    if (size > MAX_ITEM_BYTES) {
      const of = `${bytes.length} of state and ${watermarks.length} watermarks`;
      throw new StateTooLargeError(
        `item: found ${size} bytes, ${of}; allowed: up to ${MAX_ITEM_BYTES}; heal the state`,
      );
    }
    try {
      if (version === null && (await this.isErased(entity_id))) return 'erased';
      await (version === null ? this.create(Item) : this.replace(Item, version));
      this.lost.delete(entity_id);
      return bytes.length;
    } catch (error) {
      if (version !== null) this.lost.add(entity_id);
      return lostBy(error);
    }
  }

  /**
   * Only here an erased entity could come back: erasing deletes the item, so a replacement fails by its version and is read
   * again, to be created. A call that asked before the tombstone was written is outlasted by the erasure, which clears the
   * table once more at its end.
   */
  private async isErased(entity_id: string): Promise<boolean> {
    if ((await this.tombstones.erased([entity_id])).size > 0) return true;
    // An item that went between its read and its write may just have been erased: rare enough to be looked up itself.
    if (!this.lost.delete(entity_id)) return false;
    const Key = { entity_id: { S: ERASED_KEY }, view: { S: tombstoneOf(entity_id) } };
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item !== undefined;
  }

  private async create(Item: Record<string, AttributeValue>): Promise<void> {
    const absent = { ConditionExpression: 'attribute_not_exists(entity_id)' };
    await this.client.send(new PutItemCommand({ TableName: this.table, Item, ...absent }));
  }

  private async replace(Item: Record<string, AttributeValue>, version: number): Promise<void> {
    await this.client.send(
      new PutItemCommand({
        TableName: this.table,
        Item,
        ConditionExpression: '#version = :read',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':read': { N: String(version) } },
      }),
    );
  }

  async pass(entity_id: string, marks: Positions): Promise<boolean> {
    const Key = { entity_id: { S: entity_id }, view: { S: this.plan.view.version } };
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    if (!Item) return false;
    const moved = Object.entries(highestMarks(marksOf(Item.watermarks), marks));
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key,
          UpdateExpression: 'SET watermarks = :marks, heal = :yes, #version = #version + :one',
          ConditionExpression: '#version = :read',
          ExpressionAttributeNames: { '#version': 'version' },
          ExpressionAttributeValues: {
            ':marks': { M: Object.fromEntries(moved.map(([shard, mark]) => [shard, { S: mark }])) },
            ':yes': { BOOL: true },
            ':one': { N: '1' },
            ':read': Item.version!,
          },
        }),
      );
    } catch (error) {
      return lostBy(error) !== 'conflict';
    }
    return true;
  }

  /** Remembered for a while: it goes down when the version is kept up no more. */
  async ready(): Promise<boolean> {
    if (Date.now() < this.fenced_until) return true;
    const { Item } = await this.client.send(
      new GetItemCommand({
        TableName: this.table,
        Key: { entity_id: { S: FENCE_KEY }, view: { S: this.plan.view.version } },
        ConsistentRead: true,
      }),
    );
    const fenced = Item?.ready?.BOOL === true;
    if (fenced) this.fenced_until = Date.now() + FENCE_HOLDS_MS;
    return fenced;
  }
}

/** Why a conditional write was refused. @throws the error when it was no condition */
function lostBy(error: unknown): 'conflict' {
  // A plain put that meets a transaction on its item is refused by that, not by its condition.
  if (error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException)
    return 'conflict';
  throw error;
}

/**
 * Up to 100 keys a request; what DynamoDB leaves unprocessed is asked again.
 * @param ConsistentRead false: as of a moment ago, for half of the units
 * @throws Error when it never answers
 */
export async function batchGet(
  client: DynamoDBClient,
  table: string,
  keys: readonly Record<string, AttributeValue>[],
  ConsistentRead = true,
): Promise<Item[]> {
  const items: Item[] = [];
  for (const some of chunks(keys, BATCH_GET_LIMIT)) {
    const found = await untilProcessed(some, async (Keys) => {
      const { Responses, UnprocessedKeys } = await client.send(
        new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead } } }),
      );
      return { found: Responses?.[table] ?? [], open: UnprocessedKeys?.[table]?.Keys ?? [] };
    });
    items.push(...found);
  }
  return items;
}

/**
 * Asks again for what a request leaves open. @param wait before a try is repeated
 * @throws Error when something stays open after some tries
 */
export async function untilProcessed<K, T>(
  keys: readonly K[],
  ask: (open: K[]) => Promise<{ readonly found: readonly T[]; readonly open: readonly K[] }>,
  wait: (attempt: number) => Promise<void> = pause,
): Promise<T[]> {
  const all: T[] = [];
  let rest = [...keys];
  for (let attempt = 0; rest.length > 0; attempt++) {
    if (attempt === MAX_TRIES) throw new Error(`${rest.length} keys stayed unprocessed; the batch is retried`);
    if (attempt > 0) await wait(attempt);
    const { found, open } = await ask(rest);
    all.push(...found);
    rest = [...open];
  }
  return all;
}

/** Replays only: one item that holds the newest arrival + 1 ms over all entities. */
export class DynamoReplayClock implements ReplayClock {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  async read(): Promise<number | null> {
    const Key = { entity_id: { S: CLOCK_KEY }, view: { S: CLOCK_KEY } };
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item?.now?.N === undefined ? null : Number(Item.now.N);
  }

  async advance(to: number): Promise<void> {
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: { entity_id: { S: CLOCK_KEY }, view: { S: CLOCK_KEY } },
          UpdateExpression: 'SET #now = :to',
          ConditionExpression: 'attribute_not_exists(#now) OR #now < :to',
          ExpressionAttributeNames: { '#now': 'now' },
          ExpressionAttributeValues: { ':to': { N: String(to) } },
        }),
      );
    } catch (error) {
      // Another shard is ahead: the clock never goes back.
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }
}
