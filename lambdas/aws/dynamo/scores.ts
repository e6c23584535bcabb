import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { AlertRecord, ScoreRecord, ScoreStore, StoredScore } from '../../../engine/ports.ts';
import { SCORE_KIND, scoresKey } from '../../../names/keys.ts';
import { alertItem, scoredParts } from './alert-item.ts';
import { batchGet } from './batch-get.ts';
import type { Item } from './state-item.ts';

/** The last score of each entity, and beside it the outbox of alerts, those that wait and those nobody was told of. */
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
    const keys = entity_ids.map((entity_id) => scoresKey(entity_id, SCORE_KIND));
    const items = await batchGet(this.client, this.table, keys, consistent);
    return new Map(items.map(storedScore));
  }

  async write(record: ScoreRecord, version: number | null, alert: AlertRecord | null): Promise<boolean> {
    const expires = marshall({ expires_at: Math.ceil(this.now() / 1000) + this.kept_days * 86_400 });
    const put = {
      TableName: this.table,
      Item: { ...scoreItem(record, (version ?? 0) + 1), ...expires },
      ...(version === null
        ? { ConditionExpression: 'attribute_not_exists(entity_id)' }
        : {
            ConditionExpression: '#version = :read',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: marshall({ ':read': version }),
          }),
    };
    try {
      if (alert === null) {
        await this.client.send(new PutItemCommand(put));
      } else {
        const raised = {
          TableName: this.table,
          Item: { ...alertItem(record, alert), ...expires },
          // Of those that wait there is one an entity: a newer one takes the place of an older one.
          ...(alert.disposition.as !== 'waits' && { ConditionExpression: 'attribute_not_exists(entity_id)' }),
        };
        await this.client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: put }, { Put: raised }] }));
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

/** What of an item decides about the next score. */
const storedSchema = z.object({
  entity_id: z.string(),
  t: z.number(),
  model_version: z.string(),
  experiment: z.string().nullable().default(null),
  armed: z.boolean(),
  last_alert_t: z.number().nullable().default(null),
  version: z.number(),
});

function storedScore(item: Item): [string, StoredScore] {
  const stored = storedSchema.parse(unmarshall(item));
  const { entity_id, t, model_version, experiment, armed, last_alert_t, version: revision } = stored;
  return [entity_id, { t, model_version, experiment, alert_state: { armed, last_alert_t }, revision }];
}

function scoreItem(record: ScoreRecord, version: number): Item {
  const { armed, last_alert_t } = record.alert_state;
  const alerted = last_alert_t === null ? {} : { last_alert_t };
  // Predictions of earlier releases, of which a table is made anew, say nothing of experiments.
  const tried = record.experiment ? { experiment: record.experiment } : {};
  return marshall({ ...scoredParts(record), kind: SCORE_KIND, armed, ...alerted, ...tried, version });
}
