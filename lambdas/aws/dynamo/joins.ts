import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { RecordPosition } from '../../../core/admission/admit.ts';
import type { Joined, Joins, Positions } from '../../../engine/ports.ts';
import { FENCE_KEY, featuresKey, JOIN, JOIN_KEY } from '../../../names/keys.ts';
import { batchGet } from './batch-get.ts';
import type { Item } from './state-item.ts';

/**
 * Beside `joins_at` and `retired_at` an item about joins has its key and, by shard, positions. `retired_at` stands while the
 * version is not kept up (lambdas/aws/dynamo/retirement.ts) and until a backfill has begun anew: nothing joins then.
 */
const schema = z.object({ joins_at: z.number().optional(), retired_at: z.number().optional() }).catchall(z.string());

/** The item about the joins of one version. */
interface Join {
  /** ms UTC. @default - nobody has said */
  readonly joins_at?: number;
  /** ms UTC. @default - it is kept up */
  readonly retired_at?: number;
  /** Of shards: where each joined, and behind `left#` the last that was left to the backfill. */
  readonly positions: Positions;
}

export interface JoinOptions {
  /** How long after the version's first batch it joins, ms; 0: with that batch. */
  readonly after_ms: number;
  /** How long it is believed that the version is complete, ms: a late function of other code may still retire it. */
  readonly again_ms: number;
  /** ms UTC. */
  readonly now: () => number;
}

/**
 * The join positions of one view version, in the online table.
 *
 * A shard is joined at its first record that arrived `after_ms` or more after the first batch that the version saw: functions
 * of the former code, which know nothing of it, had ended before and can't have read that record. The first position of that
 * first batch would be too early: lanes of one shard (the parallelization factor) are not equally far, and an old batch
 * may come again, so former code may have read much of what lies behind it, which nobody would then bring to this version.
 */
export class DynamoJoins implements Joins {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly view: string;
  private readonly options: JoinOptions;
  private joined: Joined = { complete: false, from: {} };
  private looked_at = Number.NEGATIVE_INFINITY;

  /** @param view the view's version */
  constructor(client: DynamoDBClient, table: string, view: string, options: JoinOptions) {
    this.client = client;
    this.table = table;
    this.view = view;
    this.options = options;
  }

  /** One read a batch until the fence stands, and one write until the batch's shard has joined; then a read now and then. */
  async positions(batch: readonly RecordPosition[]): Promise<Joined> {
    const { now, again_ms } = this.options;
    if (this.joined.complete && now() - this.looked_at < again_ms) return this.joined;
    const stored = await this.look();
    const { shard_id, sequence_number: last } = batch.at(-1)!;
    if (this.joined.complete || this.joined.from[shard_id] !== undefined) return this.joined;
    const joins_at = joinsAt(stored) ?? (await this.announce());
    const first = batch.find(({ arrival_ms }) => arrival_ms >= joins_at);
    const item = (first && (await this.join(shard_id, first.sequence_number))) ?? (await this.leave(shard_id, last));
    this.joined = joinedOf(item, false);
    return this.joined;
  }

  /** @returns the item about its joins */
  private async look(): Promise<Join> {
    this.looked_at = this.options.now();
    const keys = [FENCE_KEY, JOIN_KEY].map((key) => featuresKey(key, this.view));
    const items = await batchGet(this.client, this.table, keys);
    const [fence, join] = [FENCE_KEY, JOIN_KEY].map((key) => items.find(({ entity_id }) => entity_id!.S === key));
    const stored = joinOf(join);
    this.joined = joinedOf(stored, fence?.ready?.BOOL === true);
    return stored;
  }

  private async announce(): Promise<number> {
    if (this.options.after_ms === 0) return 0;
    const item = await this.unless('attribute_not_exists(retired_at)', {
      UpdateExpression: 'SET joins_at = if_not_exists(joins_at, :at)',
      ExpressionAttributeValues: marshall({ ':at': this.options.now() + this.options.after_ms }),
    });
    return joinsAt(item)!;
  }

  /** @returns null when the version was retired meanwhile */
  private async join(shard_id: string, first: string): Promise<Join | null> {
    const item = await this.unless('attribute_not_exists(retired_at)', {
      UpdateExpression: 'SET #shard = if_not_exists(#shard, :first)',
      ExpressionAttributeNames: { '#shard': shard_id },
      ExpressionAttributeValues: marshall({ ':first': first }),
    });
    return item.retired_at === undefined ? item : null;
  }

  /** Written before anything else of the batch is, so that the backfill, when it joins an idle shard, does so behind it. */
  private leave(shard_id: string, last: string): Promise<Join> {
    const open = '(attribute_not_exists(#shard) OR attribute_exists(retired_at))';
    return this.unless(`${open} AND (attribute_not_exists(#left) OR #left < :last)`, {
      UpdateExpression: 'SET #left = :last',
      ExpressionAttributeNames: { '#shard': shard_id, '#left': `${JOIN.left}${shard_id}` },
      ExpressionAttributeValues: marshall({ ':last': last.padStart(JOIN.digits, '0') }),
    });
  }

  /** @returns the item after the change, or as it is when the condition does not hold */
  private async unless(ConditionExpression: string, change: Partial<UpdateItemCommandInput>): Promise<Join> {
    const unchanged = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
    try {
      return await this.update({ ...change, ...unchanged, ConditionExpression });
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return joinOf(error.Item);
    }
  }

  private async update(change: Partial<UpdateItemCommandInput>): Promise<Join> {
    const { Attributes } = await this.client.send(
      new UpdateItemCommand({
        TableName: this.table,
        Key: featuresKey(JOIN_KEY, this.view),
        ReturnValues: 'ALL_NEW',
        ...change,
      }),
    );
    return joinOf(Attributes);
  }
}

/** @returns ms UTC; never while the version is retired, undefined when nobody has said */
function joinsAt({ retired_at, joins_at }: Join): number | undefined {
  return retired_at === undefined ? joins_at : Number.POSITIVE_INFINITY;
}

/** Where a retired version had joined says nothing: others have read on without it. */
function joinedOf({ retired_at, positions }: Join, fenced: boolean): Joined {
  if (retired_at !== undefined) return { complete: false, from: {} };
  const shards = Object.entries(positions).filter(([name]) => !name.startsWith(JOIN.left));
  return { complete: fenced, from: Object.fromEntries(shards) };
}

function joinOf(item: Item | undefined): Join {
  if (item === undefined) return { positions: {} };
  const { entity_id: _, view: __, joins_at, retired_at, ...positions } = schema.parse(unmarshall(item));
  return { joins_at, retired_at, positions };
}
