import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Alert } from '../../engine/alerting/message.ts';
import { type AlertKey, LEASE_MS, type Outbox } from '../../engine/alerting/send.ts';
import { scoresKey } from '../../names/keys.ts';
import { alertOf } from '../aws/dynamo/alert-item.ts';

/** In the table of scores, each step under its condition. */
export class DynamoOutbox implements Outbox {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  async claim(key: AlertKey, now: number): Promise<Alert | 'sent' | 'taken' | 'gone'> {
    try {
      const { Attributes } = await this.client.send(
        new UpdateItemCommand({
          ...this.address(key),
          UpdateExpression: 'SET #status = :sending, lease_until = :lease',
          ConditionExpression: '#status = :pending OR (#status = :sending AND lease_until < :now)',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: marshall({
            ':pending': 'pending',
            ':sending': 'sending',
            ':lease': now + LEASE_MS,
            ':now': now,
          }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return alertOf(Attributes) ?? 'sent';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const { Item } = await this.client.send(new GetItemCommand({ ...this.address(key), ConsistentRead: true }));
      // Nothing in a queue of failed messages may keep the id of an erased entity.
      if (!Item) return 'gone';
      // `pending` again: the other sender failed between our two calls, and nothing was sent.
      return Item.status?.S === 'sent' ? 'sent' : 'taken';
    }
  }

  async markSent(key: AlertKey, now: number): Promise<void> {
    await this.set(key, 'sent', { sent_at: now });
  }

  async release(key: AlertKey): Promise<void> {
    await this.set(key, 'pending', { lease_until: 0 });
  }

  private async set(key: AlertKey, status: string, numbers: Readonly<Record<string, number>>): Promise<void> {
    const [[name, value]] = Object.entries(numbers) as [[string, number]];
    await this.client.send(
      new UpdateItemCommand({
        ...this.address(key),
        UpdateExpression: 'SET #status = :status, #number = :number',
        ConditionExpression: '#status = :sending',
        ExpressionAttributeNames: { '#status': 'status', '#number': name },
        ExpressionAttributeValues: marshall({ ':status': status, ':sending': 'sending', ':number': value }),
      }),
    );
  }

  private address({ entity_id, kind }: AlertKey) {
    return { TableName: this.table, Key: scoresKey(entity_id, kind) };
  }
}
