import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ERASED_KEY, tombstoneOf } from '../../core/tombstone.ts';
import { batchGet } from './dynamo-states.ts';
import type { Tombstones } from './ports.ts';

/** The tombstones in the online table, beside the states. */
export class DynamoTombstones implements Tombstones {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  async erased(entity_ids: readonly string[]): Promise<ReadonlySet<string>> {
    const byHash = new Map(entity_ids.map((id) => [tombstoneOf(id), id]));
    const keys = [...byHash.keys()].map((hash) => ({ entity_id: { S: ERASED_KEY }, view: { S: hash } }));
    const items = await batchGet(this.client, this.table, keys);
    return new Set(items.map((item) => byHash.get(item.view!.S!)!));
  }
}
