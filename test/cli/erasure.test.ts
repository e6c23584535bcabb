import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countDeadLetters, eraseDeadLetters, names } from '../../cli/commands/erase/dead-letters.ts';
import { clearOnline } from '../../cli/commands/erase/erase.ts';
import type { Resources } from '../../cli/stage/resources.ts';
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

/** What Lambda and SNS leave in a queue: the event of a call, and the notification that could not be handed over. */
const attributes = (id: string) => ({ entity_id: { Type: 'String', Value: id }, kind: { Type: 'String', Value: 'a' } });
const letters = (id: string) => [
  { Records: [{ Sns: { Message: 'An alert waits.', MessageAttributes: attributes(id) } }] },
  { Type: 'Notification', Message: 'An alert waits.', MessageAttributes: attributes(id) },
  { Type: 'Notification', Message: JSON.stringify({ detail: [{ who: id }] }) },
];

describe('dead letters', () => {
  test('of an erased entity go, and those of others wait on', async () => {
    const sqs = new SQSClient(cloud.clientConfig);
    const urls: string[] = [];
    for (const QueueName of ['one', 'two', 'empty']) {
      const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName }));
      urls.push(QueueUrl);
    }
    for (const QueueUrl of urls.slice(0, 2))
      for (const id of ['ann', 'bob', 'ann ', 'an'])
        for (const body of letters(id))
          await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));
    expect(await countDeadLetters(sqs, urls, 'ann')).toBe(6);
    expect(await eraseDeadLetters(sqs, urls, 'ann')).toBe(6);
    expect(await countDeadLetters(sqs, urls, 'ann')).toBe(0);
    expect(await countDeadLetters(sqs, urls, 'bob')).toBe(6);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: urls[0], MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
    );
    expect(Messages).toHaveLength(9);
  });

  test.each([
    ['42', true],
    ['4', false],
    ['"42"', true],
    ['{"a":["42"]}', true],
    [JSON.stringify({ a: JSON.stringify({ b: '42' }) }), true],
    ['{"a":42}', false],
    ['{broken "42"', false],
  ])('%s names 42: %p', (text, expected) => {
    expect(names({ Body: text }, '42')).toBe(expected);
  });
});
