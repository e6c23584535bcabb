import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import { SCORE_KIND, scoresKey } from '../../../names/keys.ts';
import { batchGet } from './batch-get.ts';

const schema = z.object({
  entity_id: z.string(),
  t: z.number(),
  score: z.number(),
  variant: z.string(),
  model_version: z.string(),
  definition_hash: z.string(),
  reasons: z.array(z.string()).default([]),
});

/** The last score of an entity, with all that was said of it. */
export type LastScore = Readonly<z.infer<typeof schema>>;

/** As of a moment ago, for half of the units; who was never scored is absent. */
export async function lastScores(
  client: DynamoDBClient,
  table: string,
  entity_ids: readonly string[],
): Promise<ReadonlyMap<string, LastScore>> {
  const keys = entity_ids.map((entity_id) => scoresKey(entity_id, SCORE_KIND));
  const items = await batchGet(client, table, keys, false);
  return new Map(items.map((item) => schema.parse(unmarshall(item))).map((one) => [one.entity_id, one]));
}
