import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import { scoresKey } from '../../names/keys.ts';

/** `#` is no entity's. */
const KEY = scoresKey('#sweep', 'left');
const schema = z.object({ total: z.number(), parts: z.set(z.number()).default(new Set()) });

/**
 * Parts of the table that runs have begun and not ended, by number: an item of the table of scores, which names nobody. Parts
 * are put down before they are looked at, so a run that dies leaves them to the next one.
 */
export class LeftOver {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  /**
   * Puts down what a run begins.
   * @param total of the scan: where it changed, the numbers from before say nothing, and their entities come within a day
   * @returns those parts and what earlier runs left, which comes first
   */
  async begin(total: number, parts: readonly number[]): Promise<number[]> {
    const own = new Set(parts);
    try {
      const { Attributes } = await this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: KEY,
          UpdateExpression: 'SET #total = :total ADD parts :parts',
          ConditionExpression: 'attribute_not_exists(#total) OR #total = :total',
          ExpressionAttributeNames: { '#total': 'total' },
          ExpressionAttributeValues: marshall({ ':total': total, ':parts': new Set(parts) }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      const all = [...schema.parse(unmarshall(Attributes!)).parts].sort((a, b) => a - b);
      return [...all.filter((part) => !own.has(part)), ...parts];
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const Item = { ...KEY, ...marshall({ total, parts: new Set(parts) }) };
      await this.client.send(new PutItemCommand({ TableName: this.table, Item }));
      return [...parts];
    }
  }

  /** Takes out what was looked at to its end. */
  async end(total: number, parts: readonly number[]): Promise<void> {
    if (parts.length === 0) return;
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: KEY,
          UpdateExpression: 'DELETE parts :parts',
          ConditionExpression: '#total = :total',
          ExpressionAttributeNames: { '#total': 'total' },
          ExpressionAttributeValues: marshall({ ':total': total, ':parts': new Set(parts) }),
        }),
      );
    } catch (error) {
      // Another division since: the numbers are no longer ours.
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }
}
