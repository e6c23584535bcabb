import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { ReplayClock } from '../../../engine/ports.ts';
import { CLOCK_KEY, featuresKey } from '../../../names/keys.ts';

const KEY = featuresKey(CLOCK_KEY, CLOCK_KEY);
const schema = z.object({ now: z.number() });

/** Replays only: one item that holds the newest arrival + 1 ms over all entities. */
export class DynamoReplayClock implements ReplayClock {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  async read(): Promise<number | null> {
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.table, Key: KEY, ConsistentRead: true }),
    );
    return Item ? schema.parse(unmarshall(Item)).now : null;
  }

  async advance(to: number): Promise<void> {
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: KEY,
          UpdateExpression: 'SET #now = :to',
          ConditionExpression: 'attribute_not_exists(#now) OR #now < :to',
          ExpressionAttributeNames: { '#now': 'now' },
          ExpressionAttributeValues: marshall({ ':to': to }),
        }),
      );
    } catch (error) {
      // Another shard is ahead: the clock never goes back.
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }
}
