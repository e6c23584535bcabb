import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { FirstScore } from '../../../engine/score/first-day.ts';
import { scoresKey } from '../../../names/keys.ts';

/** `#` is no entity's: as the fence and the clock in the table of states. */
const KEY = scoresKey('#first-score', 'mark');

/** An item of the table of scores. Nothing deletes it: an endpoint that is missing later is never taken for the first day. */
export class DynamoFirstScore implements FirstScore {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private recorded = false;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  async happened(): Promise<boolean> {
    const found = await this.client.send(new GetItemCommand({ TableName: this.table, Key: KEY, ConsistentRead: true }));
    return found.Item !== undefined;
  }

  async record(): Promise<void> {
    if (this.recorded) return;
    try {
      await this.client.send(
        new PutItemCommand({
          TableName: this.table,
          Item: KEY,
          ConditionExpression: 'attribute_not_exists(entity_id)',
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
    this.recorded = true;
  }
}
