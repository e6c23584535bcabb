import {
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { SuppressionRule, WaitingAlert } from '../../../core/scores/policy.ts';
import { MAX_TRIES, pause } from '../../../engine/backoff.ts';
import type { Turns } from '../../../engine/ports.ts';
import { ALERTS_KEY, dayKind, SCORE_KIND, scoresKey, WAITING_INDEX, WAITING_KIND } from '../../../names/keys.ts';
import { endOf } from './alert-item.ts';
import { batchGet } from './batch-get.ts';
import type { Item } from './state-item.ts';

const waitingSchema = z.object({
  entity_id: z.string(),
  t: z.number(),
  score: z.number(),
  worth: z.number().nullable().default(null),
  zone: z.string().nullable().default(null),
});
const DAY_S = 86_400;

/** An alert that waits, with all that its item holds. */
interface StoredWaiting extends WaitingAlert {
  readonly item: Item;
}

/** Which item of a transaction did not hold, by its place; null where all did. */
type Lost = number | null;

/** In the table of scores: an index finds who waits, and each step is one transaction. */
export class DynamoTurns implements Turns<StoredWaiting> {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly kept_days: number;

  /** @param kept_days how long what becomes of an alert stays */
  constructor(client: DynamoDBClient, table: string, kept_days: number) {
    this.client = client;
    this.table = table;
    this.kept_days = kept_days;
  }

  async waiting(): Promise<readonly StoredWaiting[]> {
    const items: Item[] = [];
    const pages = paginateQuery(
      { client: this.client },
      {
        TableName: this.table,
        IndexName: WAITING_INDEX.name,
        KeyConditionExpression: '#waiting = :yes',
        ExpressionAttributeNames: { '#waiting': WAITING_INDEX.partition },
        ExpressionAttributeValues: { ':yes': { S: WAITING_INDEX.value } },
      },
    );
    for await (const { Items = [] } of pages) items.push(...Items);
    const alerts = items.map((item) => ({ item, ...waitingSchema.parse(unmarshall(item)) }));
    const keys = alerts.map(({ entity_id }) => scoresKey(entity_id, SCORE_KIND));
    const scores = new Map(
      (await batchGet(this.client, this.table, keys)).map((item) => [item.entity_id!.S!, Number(item.score?.N)]),
    );
    return alerts.map((alert) => ({ ...alert, score: scores.get(alert.entity_id) ?? alert.score }));
  }

  async released(day: string): Promise<number> {
    const Key = scoresKey(ALERTS_KEY, dayKind(day));
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Number(Item?.released?.N ?? 0);
  }

  async release(alert: StoredWaiting, day: string, capacity: number | null): Promise<'done' | 'full' | 'gone'> {
    const limit = capacity === null ? {} : { ':capacity': capacity };
    const count: TransactWriteItem = {
      Update: {
        TableName: this.table,
        Key: scoresKey(ALERTS_KEY, dayKind(day)),
        UpdateExpression: 'ADD released :one SET expires_at = :expires',
        ExpressionAttributeValues: marshall({ ':one': 1, ':expires': this.expires(), ...limit }),
        ...(capacity !== null && { ConditionExpression: 'attribute_not_exists(released) OR released < :capacity' }),
      },
    };
    const lost = await this.write([this.taken(alert), this.ended(alert, 'told'), count]);
    if (lost === null) return 'done';
    return lost === 2 ? 'full' : 'gone';
  }

  async close(alert: StoredWaiting, rule: SuppressionRule, arm: boolean): Promise<'done' | 'gone'> {
    const end = [this.taken(alert), this.ended(alert, rule)];
    const armed: TransactWriteItem = {
      Update: {
        TableName: this.table,
        Key: scoresKey(alert.entity_id, SCORE_KIND),
        // A scorer that read the score before finds another version, and decides again.
        UpdateExpression: 'SET armed = :yes ADD #version :one',
        ConditionExpression: 'last_alert_t = :t',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: marshall({ ':yes': true, ':one': 1, ':t': alert.t }),
      },
    };
    let lost = await this.write(arm ? [...end, armed] : end);
    // Its score is gone, or has raised another alert since: there is nothing to arm.
    if (lost === 2) lost = await this.write(end);
    return lost === null ? 'done' : 'gone';
  }

  /** Out of those that wait, if this very one still does. */
  private taken({ entity_id, t }: WaitingAlert): TransactWriteItem {
    return {
      Delete: {
        TableName: this.table,
        Key: scoresKey(entity_id, WAITING_KIND),
        ConditionExpression: 't = :t',
        ExpressionAttributeValues: marshall({ ':t': t }),
      },
    };
  }

  private ended({ item }: StoredWaiting, end: 'told' | SuppressionRule): TransactWriteItem {
    return {
      Put: {
        TableName: this.table,
        Item: { ...endOf(item, end), ...marshall({ expires_at: this.expires() }) },
        ConditionExpression: 'attribute_not_exists(entity_id)',
      },
    };
  }

  private expires(): number {
    return Math.ceil(Date.now() / 1000) + this.kept_days * DAY_S;
  }

  /** Tried again where another transaction was at the same items. @throws the SDK's error */
  private async write(TransactItems: TransactWriteItem[]): Promise<Lost> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.client.send(new TransactWriteItemsCommand({ TransactItems }));
        return null;
      } catch (error) {
        const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
        const lost = reasons.findIndex(({ Code }) => Code === 'ConditionalCheckFailed');
        if (lost >= 0) return lost;
        const busy = reasons.some(({ Code }) => Code === 'TransactionConflict');
        if (!busy || attempt === MAX_TRIES) throw error;
        await pause(attempt);
      }
    }
  }
}
