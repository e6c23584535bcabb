import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { RecordPosition } from '../../core/contract.ts';
import type { Joins, Positions } from './ports.ts';

/**
 * Partition key of the items about joins; the sort key is the view version. `joins_at` is when the version joins (ms), each
 * shard that has joined an attribute with its position, and `left#<shard>` the last position that was left to the backfill
 * before, padded to 64 digits.
 */
export const JOIN_KEY = '#join';
const LEFT = 'left#';
const DIGITS = 64;

export interface JoinOptions {
  /** Whether the fence of the version is up. */
  readonly ready: () => Promise<boolean>;
  /** How long after the version's first batch it joins, ms; 0: with that batch. */
  readonly after_ms: number;
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
  private known: Positions = {};
  private joins_at: number | null = null;

  /** @param view the view's version */
  constructor(client: DynamoDBClient, table: string, view: string, options: JoinOptions) {
    this.client = client;
    this.table = table;
    this.view = view;
    this.options = options;
  }

  /** One question for the fence a batch until it stands, and one for the position until a shard has joined; then none. */
  async positions(batch: readonly RecordPosition[]): Promise<Positions | null> {
    if (await this.options.ready()) return null;
    const { shard_id, sequence_number: last } = batch.at(-1)!;
    if (this.known[shard_id] !== undefined) return this.known;
    const joins_at = await this.announce();
    const first = batch.find(({ arrival_ms }) => arrival_ms >= joins_at);
    this.known = positionsOf(await (first ? this.join(shard_id, first.sequence_number) : this.leave(shard_id, last)));
    return this.known;
  }

  private async announce(): Promise<number> {
    if (this.options.after_ms === 0) return 0;
    if (this.joins_at === null) {
      const { joins_at } = await this.update({
        UpdateExpression: 'SET joins_at = if_not_exists(joins_at, :at)',
        ExpressionAttributeValues: { ':at': { N: String(this.options.now() + this.options.after_ms) } },
      });
      this.joins_at = Number(joins_at!.N);
    }
    return this.joins_at;
  }

  private join(shard_id: string, first: string): Promise<Record<string, AttributeValue>> {
    return this.update({
      UpdateExpression: 'SET #shard = if_not_exists(#shard, :first)',
      ExpressionAttributeNames: { '#shard': shard_id },
      ExpressionAttributeValues: { ':first': { S: first } },
    });
  }

  /** Written before anything else of the batch is, so that the backfill, when it joins an idle shard, does so behind it. */
  private async leave(shard_id: string, last: string): Promise<Record<string, AttributeValue>> {
    try {
      return await this.update({
        UpdateExpression: 'SET #left = :last',
        ConditionExpression: 'attribute_not_exists(#shard) AND (attribute_not_exists(#left) OR #left < :last)',
        ExpressionAttributeNames: { '#shard': shard_id, '#left': `${LEFT}${shard_id}` },
        ExpressionAttributeValues: { ':last': { S: last.padStart(DIGITS, '0') } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return error.Item ?? {};
    }
  }

  private async update(change: Partial<UpdateItemCommandInput>): Promise<Record<string, AttributeValue>> {
    const { Attributes = {} } = await this.client.send(
      new UpdateItemCommand({
        TableName: this.table,
        Key: { entity_id: { S: JOIN_KEY }, view: { S: this.view } },
        ReturnValues: 'ALL_NEW',
        ...change,
      }),
    );
    return Attributes;
  }
}

function positionsOf({ entity_id: _, view: __, joins_at: ___, ...rest }: Record<string, AttributeValue>): Positions {
  const shards = Object.entries(rest).filter(([name]) => !name.startsWith(LEFT));
  return Object.fromEntries(shards.map(([shard, position]) => [shard, position.S!]));
}
