import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clearOnline } from '../../cli/erasure.ts';
import type { Resources } from '../../cli/resources.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { createTables } from '../lambdas/tables.ts';

let cloud: LocalCloud;
let dynamo: DynamoDBClient;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  dynamo = new DynamoDBClient(cloud.clientConfig);
  await createTables(dynamo);
});

afterAll(async () => {
  dynamo?.destroy();
  await cloud?.stop();
});

test('of an erased entity no version of its state stays, and of others all', async () => {
  for (const entity of ['ann', 'bob']) {
    for (const view of ['churn@000000000001', 'churn@000000000002', 'other@000000000003']) {
      const Item = { entity_id: { S: entity }, view: { S: view } };
      await dynamo.send(new PutItemCommand({ TableName: 'features', Item }));
    }
    for (const kind of ['score', 'alert#1']) {
      const Item = { entity_id: { S: entity }, kind: { S: kind } };
      await dynamo.send(new PutItemCommand({ TableName: 'scores', Item }));
    }
  }
  const resources = new Map([
    ['featuresTable', 'features'],
    ['scoresTable', 'scores'],
  ]) as unknown as Resources;
  expect(await clearOnline(dynamo, resources, 'ann')).toEqual([3, 2]);
  for (const [TableName, left] of [
    ['features', 3],
    ['scores', 2],
  ] as const) {
    const { Items = [] } = await dynamo.send(new ScanCommand({ TableName, ConsistentRead: true }));
    expect(Items.map((item) => item.entity_id?.S)).toEqual(Array(left).fill('bob'));
  }
});
