import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { scoresKey } from '../../names/keys.ts';
import { type Alert, alertOf } from './message.ts';

/** Longer than one function call can take: nobody else sends meanwhile. */
export const LEASE_MS = 60_000;

export interface AlertKey {
  readonly entity_id: string;
  readonly kind: string;
}

/** The sending side of the outbox: pending → sending (with a lease) → sent. */
export class Outbox {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  /** @returns the alert when it is ours to send, `sent` when it was sent before, `taken` while somebody else sends it, `gone` when it was erased */
  async claim(key: AlertKey, now: number): Promise<Alert | 'sent' | 'taken' | 'gone'> {
    try {
      const { Attributes } = await this.client.send(
        new UpdateItemCommand({
          ...this.address(key),
          UpdateExpression: 'SET #status = :sending, lease_until = :lease',
          ConditionExpression: '#status = :pending OR (#status = :sending AND lease_until < :now)',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: {
            ':pending': { S: 'pending' },
            ':sending': { S: 'sending' },
            ':lease': { N: String(now + LEASE_MS) },
            ':now': { N: String(now) },
          },
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

  /** Gives the claim back after a failure, so that a retry need not wait for the lease. */
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
        ExpressionAttributeValues: {
          ':status': { S: status },
          ':sending': { S: 'sending' },
          ':number': { N: String(value) },
        },
      }),
    );
  }

  private address({ entity_id, kind }: AlertKey) {
    return { TableName: this.table, Key: scoresKey(entity_id, kind) };
  }
}
