import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { WAITING_INDEX } from '../../names/keys.ts';

/** The two tables of a deployment with the keys and the index that the stack gives them, in the local cloud. */
export async function createTables(dynamo: DynamoDBClient): Promise<void> {
  const { name, partition } = WAITING_INDEX;
  for (const [TableName, sort, index] of [
    ['features', 'view', []],
    ['scores', 'kind', [partition]],
  ] as const) {
    await dynamo.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['entity_id', sort, ...index].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S' as const,
        })),
        KeySchema: [
          { AttributeName: 'entity_id', KeyType: 'HASH' },
          { AttributeName: sort, KeyType: 'RANGE' },
        ],
        ...(index.length > 0 && {
          GlobalSecondaryIndexes: [
            {
              IndexName: name,
              KeySchema: [{ AttributeName: partition, KeyType: 'HASH' }],
              Projection: { ProjectionType: 'ALL' },
            },
          ],
        }),
      }),
    );
  }
}
