import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { AlertRecord, ScoreRecord, ScoreStore, StoredScore } from '../../../engine/ports.ts';
import { batchGet } from './batch-get.ts';
import type { Item } from './state-item.ts';

const SCORE_KIND = 'score';
export const alertKind = (t: number) => `alert#${t}`;

/** The last score of each entity, and the outbox of alerts beside it. */
export class DynamoScores implements ScoreStore {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  private readonly kept_days: number;
  private readonly now: () => number;

  /**
   * @param kept_days how long a score and an alert stay after they were written
   * @param now ms UTC, by the wall clock: also of a replay DynamoDB collects by that
   */
  constructor(client: DynamoDBClient, table: string, kept_days: number, now: () => number = Date.now) {
    this.client = client;
    this.table = table;
    this.kept_days = kept_days;
    this.now = now;
  }

  /** @param consistent false: as of a moment ago, for half of the units */
  async read(entity_ids: readonly string[], consistent = true): Promise<ReadonlyMap<string, StoredScore>> {
    const keys = entity_ids.map((id) => ({ entity_id: { S: id }, kind: { S: SCORE_KIND } }));
    const items = await batchGet(this.client, this.table, keys, consistent);
    return new Map(items.map((item) => [item.entity_id!.S!, storedScore(item)]));
  }

  async write(record: ScoreRecord, version: number | null, alert: AlertRecord | null): Promise<boolean> {
    const expires_at = { N: String(Math.ceil(this.now() / 1000) + this.kept_days * 86_400) };
    const put = {
      TableName: this.table,
      Item: { ...scoreItem(record, (version ?? 0) + 1), expires_at },
      ...(version === null
        ? { ConditionExpression: 'attribute_not_exists(entity_id)' }
        : {
            ConditionExpression: '#version = :read',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':read': { N: String(version) } },
          }),
    };
    try {
      if (alert === null) {
        await this.client.send(new PutItemCommand(put));
      } else {
        const outbox = {
          TableName: this.table,
          Item: { ...alertItem(record, alert), expires_at },
          ConditionExpression: 'attribute_not_exists(entity_id)',
        };
        await this.client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: put }, { Put: outbox }] }));
      }
      return true;
    } catch (error) {
      if (lostCondition(error)) return false;
      throw error;
    }
  }
}

function lostCondition(error: unknown): boolean {
  // A plain put that meets somebody's transaction on the same item is refused by a conflict, not by its condition.
  if (error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException) return true;
  const lost = ['ConditionalCheckFailed', 'TransactionConflict'];
  return (
    error instanceof TransactionCanceledException &&
    (error.CancellationReasons ?? []).some((reason) => lost.includes(reason.Code ?? ''))
  );
}

function storedScore(item: Item): StoredScore {
  const alerted = item.last_alert_t?.N;
  return {
    t: Number(item.t!.N),
    model_version: item.model_version!.S!,
    alert_state: { armed: item.armed!.BOOL!, last_alert_t: alerted === undefined ? null : Number(alerted) },
    version: Number(item.version!.N),
  };
}

function described(record: ScoreRecord) {
  return {
    entity_id: { S: record.entity_id },
    t: { N: String(record.t) },
    score: { N: String(record.score) },
    variant: { S: record.variant },
    model_version: { S: record.model_version },
    definition_hash: { S: record.definition_hash },
    trigger: { S: record.trigger },
    reasons: { L: record.reasons.map((reason) => ({ S: reason })) },
  };
}

function scoreItem(record: ScoreRecord, version: number) {
  const { armed, last_alert_t } = record.alert_state;
  return {
    ...described(record),
    kind: { S: SCORE_KIND },
    armed: { BOOL: armed },
    ...(last_alert_t === null ? {} : { last_alert_t: { N: String(last_alert_t) } }),
    version: { N: String(version) },
  };
}

/** As the outbox holds it, and the table's stream tells it. */
export function alertItem(record: ScoreRecord, alert: AlertRecord) {
  return {
    ...described(record),
    kind: { S: alertKind(record.t) },
    alert_id: { S: alert.alert_id },
    title: { S: alert.title },
    link: { S: alert.link },
    status: { S: 'pending' },
    lease_until: { N: '0' },
  };
}
