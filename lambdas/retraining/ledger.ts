import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { LastTraining } from '../../engine/retraining/admission.ts';
import type { TrainingLedger } from '../../engine/retraining/retraining.ts';
import { featuresKey, RETRAINING_KEY } from '../../names/keys.ts';
import { STARTED_BY } from '../../names/retraining.ts';

const hash = z.string();
const schema = z.object({
  execution: z.string(),
  by: z.enum(STARTED_BY),
  started_at: z.number(),
  input_hash: hash,
  document_hash: hash,
  spine_hash: hash.optional(),
  declined: z.boolean().optional(),
  learnt: z.object({ document_hash: hash, spine_hash: hash }).optional(),
  revision: z.int(),
});

/** One item a model in the table of features; its revision is what two writers at once meet at. */
export class DynamoTrainingLedger implements TrainingLedger {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly key: ReturnType<typeof featuresKey>;
  private readonly revisions = new WeakMap<LastTraining, number>();

  constructor(client: DynamoDBClient, table: string, model: string) {
    this.client = client;
    this.table = table;
    this.key = featuresKey(RETRAINING_KEY, model);
  }

  async read(): Promise<LastTraining | null> {
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.table, Key: this.key, ConsistentRead: true }),
    );
    if (!Item) return null;
    const { revision, ...last } = schema.parse(unmarshall(Item));
    this.revisions.set(last, revision);
    return last;
  }

  async write(next: LastTraining, seen: LastTraining | null): Promise<boolean> {
    const revision = seen === null ? 0 : this.revisions.get(seen)!;
    const item = marshall({ ...next, revision: revision + 1 }, { removeUndefinedValues: true });
    try {
      await this.client.send(
        new PutItemCommand({
          TableName: this.table,
          Item: { ...this.key, ...item },
          ...(seen === null
            ? { ConditionExpression: 'attribute_not_exists(entity_id)' }
            : {
                ConditionExpression: '#revision = :seen',
                ExpressionAttributeNames: { '#revision': 'revision' },
                ExpressionAttributeValues: { ':seen': { N: String(revision) } },
              }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}
