import { type AttributeValue, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Joins, Positions } from './ports.ts';

/** Partition key of the items with the join positions; the sort key is the view version, each shard an attribute. */
export const JOIN_KEY = '#join';

/** The join positions of one view version, in the online table. */
export class DynamoJoins implements Joins {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly view: string;
  private readonly ready: () => Promise<boolean>;
  private known: Positions = {};

  /** @param view the view's version. @param ready whether its fence is up */
  constructor(client: DynamoDBClient, table: string, view: string, ready: () => Promise<boolean>) {
    this.client = client;
    this.table = table;
    this.view = view;
    this.ready = ready;
  }

  /** One question for the fence a batch until it stands, and one for the positions a shard; then nothing is asked. */
  async positions(shard_id: string, first: string): Promise<Positions | null> {
    if (await this.ready()) return null;
    if (this.known[shard_id] === undefined) this.known = await this.register(shard_id, first);
    return this.known;
  }

  private async register(shard_id: string, first: string): Promise<Positions> {
    const { Attributes = {} } = await this.client.send(
      new UpdateItemCommand({
        TableName: this.table,
        Key: { entity_id: { S: JOIN_KEY }, view: { S: this.view } },
        UpdateExpression: 'SET #shard = if_not_exists(#shard, :first)',
        ExpressionAttributeNames: { '#shard': shard_id },
        ExpressionAttributeValues: { ':first': { S: first } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return positionsOf(Attributes);
  }
}

function positionsOf({ entity_id: _, view: __, ...shards }: Record<string, AttributeValue>): Positions {
  return Object.fromEntries(Object.entries(shards).map(([shard, position]) => [shard, position.S!]));
}
