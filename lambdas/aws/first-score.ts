/** Before anybody was ever scored, a missing fence or endpoint is the first day; after it, an outage. */
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { ScoreRefusedError } from '../../engine/ports.ts';
import { scoresKey } from '../../names/keys.ts';

/** Whether anybody was ever scored. */
export interface FirstScore {
  happened(): Promise<boolean>;
  /** May be told again and again. */
  record(): Promise<void>;
}

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

/**
 * What is waited for on the first day, from a deployment to the first model: history, then a model. No alarm may ring for it.
 * @returns null for every other error, and once somebody was scored
 */
export async function firstDay(error: unknown, first: FirstScore): Promise<ScoreRefusedError | null> {
  if (!(error instanceof ScoreRefusedError) || error.kind !== 'not_ready') return null;
  return (await first.happened()) ? null : error;
}
