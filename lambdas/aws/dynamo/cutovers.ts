import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { RecordPosition } from '../../../core/admission/admit.ts';
import type { Cutover, Cutovers, Positions } from '../../../engine/ports.ts';
import { CUTOVER, CUTOVER_KEY, FENCE_KEY, featuresKey } from '../../../names/keys.ts';
import { batchGet } from './batch-get.ts';
import type { Item } from './state-item.ts';

/**
 * Beside `joins_at` and `retired_at` an item about cutovers has its key and, by shard, positions. `retired_at` stands while the
 * version is not kept up (lambdas/aws/dynamo/retirement.ts) and until a backfill has begun anew: nothing cuts over then.
 */
const schema = z.object({ joins_at: z.number().optional(), retired_at: z.number().optional() }).catchall(z.string());

/** The item about the cutovers of one version; keys and attributes are stored under the name of joins. */
interface CutoverItem {
  /** ms UTC. @default - nobody has said */
  readonly joins_at?: number;
  /** ms UTC. @default - it is kept up */
  readonly retired_at?: number;
  /** Of shards: where each cut over, and behind `left#` the last that was left to the backfill. */
  readonly positions: Positions;
}

export interface CutoverOptions {
  /** How long after the version's first batch it cuts over, ms; 0: with that batch. */
  readonly after_ms: number;
  /** How long it is believed that the version is complete, ms: a late function of other code may still retire it. */
  readonly again_ms: number;
  /** ms UTC. */
  readonly now: () => number;
}

/**
 * The cutover positions of one view version, in the online table.
 *
 * A shard is cut over at its first record that arrived `after_ms` or more after the first batch that the version saw: functions
 * of the former code, which know nothing of it, had ended before and can't have read that record. The first position of that
 * first batch would be too early: lanes of one shard (the parallelization factor) are not equally far, and an old batch
 * may come again, so former code may have read much of what lies behind it, which nobody would then bring to this version.
 */
export class DynamoCutovers implements Cutovers {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly view: string;
  private readonly options: CutoverOptions;
  private cutover: Cutover = { complete: false, from: {} };
  private looked_at = Number.NEGATIVE_INFINITY;

  /** @param view the view's version */
  constructor(client: DynamoDBClient, table: string, view: string, options: CutoverOptions) {
    this.client = client;
    this.table = table;
    this.view = view;
    this.options = options;
  }

  /** One read a batch until the fence stands, and one write until the batch's shard has cut over; then a read now and then. */
  async positions(batch: readonly RecordPosition[]): Promise<Cutover> {
    const { now, again_ms } = this.options;
    if (this.cutover.complete && now() - this.looked_at < again_ms) return this.cutover;
    const stored = await this.look();
    const { shard_id, sequence_number: last } = batch.at(-1)!;
    if (this.cutover.complete || this.cutover.from[shard_id] !== undefined) return this.cutover;
    const joins_at = cutoverAt(stored) ?? (await this.announce());
    const first = batch.find(({ arrival_ms }) => arrival_ms >= joins_at);
    const item = (first && (await this.cutOver(shard_id, first.sequence_number))) ?? (await this.leave(shard_id, last));
    this.cutover = cutoverOf(item, false);
    return this.cutover;
  }

  /** @returns the item about its cutovers */
  private async look(): Promise<CutoverItem> {
    this.looked_at = this.options.now();
    const keys = [FENCE_KEY, CUTOVER_KEY].map((key) => featuresKey(key, this.view));
    const items = await batchGet(this.client, this.table, keys);
    const [fence, cutover] = [FENCE_KEY, CUTOVER_KEY].map((key) => items.find(({ entity_id }) => entity_id!.S === key));
    const stored = itemOf(cutover);
    this.cutover = cutoverOf(stored, fence?.ready?.BOOL === true);
    return stored;
  }

  private async announce(): Promise<number> {
    if (this.options.after_ms === 0) return 0;
    const item = await this.unless('attribute_not_exists(retired_at)', {
      UpdateExpression: 'SET joins_at = if_not_exists(joins_at, :at)',
      ExpressionAttributeValues: marshall({ ':at': this.options.now() + this.options.after_ms }),
    });
    return cutoverAt(item)!;
  }

  /** @returns null when the version was retired meanwhile */
  private async cutOver(shard_id: string, first: string): Promise<CutoverItem | null> {
    const item = await this.unless('attribute_not_exists(retired_at)', {
      UpdateExpression: 'SET #shard = if_not_exists(#shard, :first)',
      ExpressionAttributeNames: { '#shard': shard_id },
      ExpressionAttributeValues: marshall({ ':first': first }),
    });
    return item.retired_at === undefined ? item : null;
  }

  /** Written before anything else of the batch is, so that the backfill, when it cuts over an idle shard, does so behind it. */
  private leave(shard_id: string, last: string): Promise<CutoverItem> {
    const open = '(attribute_not_exists(#shard) OR attribute_exists(retired_at))';
    return this.unless(`${open} AND (attribute_not_exists(#left) OR #left < :last)`, {
      UpdateExpression: 'SET #left = :last',
      ExpressionAttributeNames: { '#shard': shard_id, '#left': `${CUTOVER.left}${shard_id}` },
      ExpressionAttributeValues: marshall({ ':last': last.padStart(CUTOVER.digits, '0') }),
    });
  }

  /** @returns the item after the change, or as it is when the condition does not hold */
  private async unless(ConditionExpression: string, change: Partial<UpdateItemCommandInput>): Promise<CutoverItem> {
    const unchanged = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
    try {
      return await this.update({ ...change, ...unchanged, ConditionExpression });
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return itemOf(error.Item);
    }
  }

  private async update(change: Partial<UpdateItemCommandInput>): Promise<CutoverItem> {
    const { Attributes } = await this.client.send(
      new UpdateItemCommand({
        TableName: this.table,
        Key: featuresKey(CUTOVER_KEY, this.view),
        ReturnValues: 'ALL_NEW',
        ...change,
      }),
    );
    return itemOf(Attributes);
  }
}

/** @returns ms UTC; never while the version is retired, undefined when nobody has said */
function cutoverAt({ retired_at, joins_at }: CutoverItem): number | undefined {
  return retired_at === undefined ? joins_at : Number.POSITIVE_INFINITY;
}

/** Where a retired version had cut over says nothing: others have read on without it. */
function cutoverOf({ retired_at, positions }: CutoverItem, fenced: boolean): Cutover {
  if (retired_at !== undefined) return { complete: false, from: {} };
  const shards = Object.entries(positions).filter(([name]) => !name.startsWith(CUTOVER.left));
  return { complete: fenced, from: Object.fromEntries(shards) };
}

function itemOf(item: Item | undefined): CutoverItem {
  if (item === undefined) return { positions: {} };
  const { entity_id: _, view: __, joins_at, retired_at, ...positions } = schema.parse(unmarshall(item));
  return { joins_at, retired_at, positions };
}
