import { type AttributeValue, BatchGetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { chunks } from '../../../engine/chunks.ts';
import { untilProcessed } from '../../../engine/until-processed.ts';
import type { Item } from './state-item.ts';

export const BATCH_GET_LIMIT = 100;

/**
 * Up to 100 keys a request; what DynamoDB leaves unprocessed is asked again.
 * @param ConsistentRead false: as of a moment ago, for half of the units
 * @throws Error when it never answers
 */
export async function batchGet(
  client: DynamoDBClient,
  table: string,
  keys: readonly Record<string, AttributeValue>[],
  ConsistentRead = true,
): Promise<Item[]> {
  const items: Item[] = [];
  for (const some of chunks(keys, BATCH_GET_LIMIT)) {
    const found = await untilProcessed(some, async (Keys) => {
      const { Responses, UnprocessedKeys } = await client.send(
        new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead } } }),
      );
      return { found: Responses?.[table] ?? [], open: UnprocessedKeys?.[table]?.Keys ?? [] };
    });
    items.push(...found);
  }
  return items;
}
