import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { ReplayClock } from '../../../engine/ports.ts';

export const CLOCK_KEY = '#clock';

/** Replays only: one item that holds the newest arrival + 1 ms over all entities. */
export class DynamoReplayClock implements ReplayClock {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  async read(): Promise<number | null> {
    const Key = { entity_id: { S: CLOCK_KEY }, view: { S: CLOCK_KEY } };
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item?.now?.N === undefined ? null : Number(Item.now.N);
  }

  async advance(to: number): Promise<void> {
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: { entity_id: { S: CLOCK_KEY }, view: { S: CLOCK_KEY } },
          UpdateExpression: 'SET #now = :to',
          ConditionExpression: 'attribute_not_exists(#now) OR #now < :to',
          ExpressionAttributeNames: { '#now': 'now' },
          ExpressionAttributeValues: { ':to': { N: String(to) } },
        }),
      );
    } catch (error) {
      // Another shard is ahead: the clock never goes back.
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }
}
