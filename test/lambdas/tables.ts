import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** The two tables of a deployment with the keys that the stack gives them, in the local cloud. */
export async function createTables(dynamo: DynamoDBClient): Promise<void> {
  for (const [TableName, sort] of [
    ['features', 'view'],
    ['scores', 'kind'],
  ] as const) {
    await dynamo.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['entity_id', sort].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S' as const,
        })),
        KeySchema: [
          { AttributeName: 'entity_id', KeyType: 'HASH' },
          { AttributeName: sort, KeyType: 'RANGE' },
        ],
      }),
    );
  }
}
