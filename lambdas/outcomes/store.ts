import { type DynamoDBClient, TransactionCanceledException, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Outcome, OutcomeStore } from '../../engine/alerting/outcome.ts';
import { alertKind, outcomeKind, scoresKey } from '../../names/keys.ts';

const DAY_S = 86_400;

/** Beside the alerts, in the table of scores: an item each, so that nothing that was said is overwritten. */
export class DynamoOutcomes implements OutcomeStore {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly kept_days: number;

  constructor(client: DynamoDBClient, table: string, kept_days: number) {
    this.client = client;
    this.table = table;
    this.kept_days = kept_days;
  }

  async keep(outcome: Outcome): Promise<'kept' | 'gone'> {
    const { entity_id, t, alert_id, said_at, outcome_id } = outcome;
    const expires_at = Math.ceil(Date.now() / 1000) + this.kept_days * DAY_S;
    const Item = marshall({ ...outcome, kind: outcomeKind(t, said_at, outcome_id), expires_at });
    const exists = {
      TableName: this.table,
      Key: scoresKey(entity_id, alertKind(t)),
      ConditionExpression: 'alert_id = :id',
      ExpressionAttributeValues: marshall({ ':id': alert_id }),
    };
    try {
      await this.client.send(
        new TransactWriteItemsCommand({
          TransactItems: [{ ConditionCheck: exists }, { Put: { TableName: this.table, Item } }],
        }),
      );
      return 'kept';
    } catch (error) {
      const [check] = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
      if (check?.Code === 'ConditionalCheckFailed') return 'gone';
      throw error;
    }
  }
}
