/** Versions of a view that a deployment does not keep up any more: what they served has a hole from then on. */
import {
  type DynamoDBClient,
  paginateQuery,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { MAX_TRIES, pause } from '../../../engine/backoff.ts';
import { JOIN_KEY } from './joins.ts';
import type { Item } from './state-item.ts';
import { FENCE_KEY } from './states.ts';

export interface RetirementOptions {
  /** Views that this code keeps up, by version. */
  readonly kept: readonly string[];
  /** How long an answer holds, ms: shorter than what lies between the end of former code and the first join of new code. */
  readonly again_ms: number;
  /** ms UTC. */
  readonly now: () => number;
}

/**
 * Retires every version that has a fence or a join and is not kept up: the fence goes down, and nothing joins before the
 * backfill has deleted the states and begun anew (`retired_at` of the `#join` item). So a version that comes back
 * after a roll-back joins as a new one does.
 *
 * By the functions themselves, before they apply anything: whatever way a deployment came about, the first record that a
 * version misses is read by a function that knows that.
 */
export class Retirement {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly options: RetirementOptions;
  private checked_at = Number.NEGATIVE_INFINITY;

  constructor(client: DynamoDBClient, table: string, options: RetirementOptions) {
    this.client = client;
    this.table = table;
    this.options = options;
  }

  /** Two queries, at most once in `again_ms`. @throws Error when a version could not be retired: nothing may be applied */
  async check(): Promise<void> {
    const { now, again_ms } = this.options;
    const at = now();
    if (at - this.checked_at < again_ms) return;
    for (let attempt = 0; !(await this.retireAll(at)); attempt++) {
      if (attempt === MAX_TRIES)
        throw new Error('versions of a view could not be retired; the batch is delivered again');
      await pause(attempt);
    }
    this.checked_at = at;
  }

  /** @returns false where another function wrote the same items just then */
  private async retireAll(at: number): Promise<boolean> {
    const [fences, joins] = await Promise.all([this.versions(FENCE_KEY), this.versions(JOIN_KEY)]);
    const open = [
      ...fences.filter(({ ready }) => ready?.BOOL === true),
      ...joins.filter(({ retired_at }) => retired_at === undefined),
    ];
    const others = new Set(open.map(({ view }) => view!.S!).filter((view) => !this.options.kept.includes(view)));
    for (const view of others) if (!(await this.retire(view, at))) return false;
    return true;
  }

  private async versions(key: string): Promise<Item[]> {
    const query = {
      TableName: this.table,
      ConsistentRead: true,
      KeyConditionExpression: 'entity_id = :key',
      ExpressionAttributeValues: { ':key': { S: key } },
    };
    const items: Item[] = [];
    for await (const { Items = [] } of paginateQuery({ client: this.client }, query)) items.push(...Items);
    return items;
  }

  /** One transaction: with the fence alone, a crash would leave positions that nobody has kept up. */
  private async retire(view: string, at: number): Promise<boolean> {
    const TableName = this.table;
    const key = (entity_id: string): Item => ({ entity_id: { S: entity_id }, view: { S: view } });
    const join = {
      TableName,
      Key: key(JOIN_KEY),
      UpdateExpression: 'SET retired_at = if_not_exists(retired_at, :at)',
      ExpressionAttributeValues: { ':at': { N: String(at) } },
    };
    const fence = {
      TableName,
      Key: key(FENCE_KEY),
      UpdateExpression: 'SET ready = :down',
      ExpressionAttributeValues: { ':down': { BOOL: false } },
    };
    try {
      await this.client.send(new TransactWriteItemsCommand({ TransactItems: [{ Update: join }, { Update: fence }] }));
      return true;
    } catch (error) {
      const conflict =
        error instanceof TransactionCanceledException &&
        error.CancellationReasons?.some(({ Code }) => Code === 'TransactionConflict');
      if (!conflict) throw error;
      return false;
    }
  }
}
