import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactionConflictException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { tombstoneOf } from '../../../core/admission/tombstone.ts';
import { encodeState } from '../../../core/state/codec.ts';
import { highestPositions } from '../../../core/state/merge.ts';
import type { ViewPlan } from '../../../core/state/plan.ts';
import { type EntityState, expiresAt } from '../../../core/state/state.ts';
import {
  type Positions,
  type StateFlags,
  type StateStore,
  StateTooLargeError,
  type StoredState,
  type Tombstones,
  type Unreadable,
  WHOLE,
} from '../../../engine/ports.ts';
import { ERASED_KEY, FENCE_KEY, featuresKey } from '../../../names/keys.ts';
import { MAX_ITEM_BYTES, MAX_STATE_BYTES } from '../../../names/limits.ts';
import { batchGet } from './batch-get.ts';
import { sizeOf } from './item-size.ts';
import { itemOf, positionsAttribute, positionsOf, statesOf } from './state-item.ts';
import { DynamoTombstones } from './tombstones.ts';

/** How long a fence that was seen is believed to stand. */
const FENCE_HOLDS_MS = 60_000;
/** States of one view version: one item an entity, read with one key, written under a condition on its revision, which is stored as `version`. */
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
    const keys = entity_ids.map((id) => featuresKey(id, this.plan.view.version));
    return statesOf(this.plan, await batchGet(this.client, this.table, keys), unreadable);
  }

  async write(
    entity_id: string,
    state: EntityState,
    revision: number | null,
    flags: StateFlags = WHOLE,
  ): Promise<number | 'conflict' | 'erased'> {
    const bytes = encodeState(this.plan, state);
    if (bytes.length > MAX_STATE_BYTES) {
      throw new StateTooLargeError(
        `state: found ${bytes.length} bytes; allowed: up to ${MAX_STATE_BYTES}; narrow windows or caps of the view`,
      );
    }
    const expires = expiresAt(this.plan, state);
    const row = { bytes, watermarks: state.watermarks, revision: (revision ?? 0) + 1, flags };
    const Item = {
      ...itemOf(this.plan, entity_id, row),
      newest_event_time: { N: String(state.newest_event_time) },
      newest_available_at: { N: String(state.newest_available_at) },
      ...(expires === null ? {} : { expires_at: { N: String(expires) } }),
    };
    const size = sizeOf(Item);
    if (size > MAX_ITEM_BYTES) {
      const of = `${bytes.length} of state and ${Object.keys(state.watermarks).length} watermarks`;
      throw new StateTooLargeError(
        `item: found ${size} bytes, ${of}; allowed: up to ${MAX_ITEM_BYTES}; heal the state`,
      );
    }
    try {
      if (revision === null && (await this.isErased(entity_id))) return 'erased';
      await (revision === null ? this.create(Item) : this.replace(Item, revision));
      this.lost.delete(entity_id);
      return bytes.length;
    } catch (error) {
      if (revision !== null) this.lost.add(entity_id);
      return lostBy(error);
    }
  }

  /**
   * Only here an erased entity could come back: erasing deletes the item, so a replacement fails by its revision and is read
   * again, to be created. A call that asked before the tombstone was written is outlasted by the erasure, which clears the
   * table once more at its end.
   */
  private async isErased(entity_id: string): Promise<boolean> {
    if ((await this.tombstones.erased([entity_id])).size > 0) return true;
    // An item that went between its read and its write may just have been erased: rare enough to be looked up itself.
    if (!this.lost.delete(entity_id)) return false;
    const Key = featuresKey(ERASED_KEY, tombstoneOf(entity_id));
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item !== undefined;
  }

  private async create(Item: Record<string, AttributeValue>): Promise<void> {
    const absent = { ConditionExpression: 'attribute_not_exists(entity_id)' };
    await this.client.send(new PutItemCommand({ TableName: this.table, Item, ...absent }));
  }

  private async replace(Item: Record<string, AttributeValue>, revision: number): Promise<void> {
    await this.client.send(
      new PutItemCommand({
        TableName: this.table,
        Item,
        ConditionExpression: '#version = :read',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: marshall({ ':read': revision }),
      }),
    );
  }

  async pass(entity_id: string, positions: Positions): Promise<boolean> {
    const Key = featuresKey(entity_id, this.plan.view.version);
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    if (!Item) return false;
    const moved = highestPositions(positionsOf(Item.watermarks), positions);
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key,
          UpdateExpression: 'SET watermarks = :watermarks, heal = :yes, #version = #version + :one',
          ConditionExpression: '#version = :read',
          ExpressionAttributeNames: { '#version': 'version' },
          ExpressionAttributeValues: {
            ':watermarks': positionsAttribute(moved),
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
        Key: featuresKey(FENCE_KEY, this.plan.view.version),
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
