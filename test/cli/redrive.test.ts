import { DescribeExecutionCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { redrive, waiting } from '../../cli/commands/redrive/dead-letters.ts';
import { type DeadLetterQueue, deadLetterQueues } from '../../cli/commands/redrive/queues.ts';
import { type Connection, connectTo } from '../../cli/stage/connection.ts';
import { readResources } from '../../cli/stage/resources.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { createStack } from '../create-stack.ts';
import { resourcesOf } from '../infra/synthesised.ts';

/** Takes what the notifier would, and refuses all else. */
const HANDLER = `exports.handler = async (event) => {
  if (event.answer !== 42 && event.Records?.[0]?.Sns?.MessageAttributes?.kind?.Value !== 'alert#1') throw new RangeError('not this one');
};`;

let cloud: LocalCloud;
let connection: Connection;
let queues: Map<string, DeadLetterQueue>;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  connection = connectTo(cloud);
  const { cloudformation } = connection.clients;
  await createStack(cloudformation, 'tidemark-local-demo-realtime', stack());
  const resources = await readResources(cloudformation, { stage: 'local' });
  queues = new Map((await deadLetterQueues(connection.clients, resources)).map((queue) => [queue.name, queue]));
});

afterAll(() => cloud?.stop());

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });

function stack() {
  const role = (service: string) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
      },
      Policies: [
        {
          PolicyName: 'own',
          PolicyDocument: {
            Statement: [{ Effect: 'Allow', Action: ['sqs:SendMessage', 'states:StartExecution'], Resource: '*' }],
          },
        },
      ],
    },
  });
  const queue = { Type: 'AWS::SQS::Queue' };
  return {
    Resources: {
      NotifierDeadLettersA1B2C3D4: queue,
      UndeliveredA1B2C3D4: queue,
      ApprovalA1B2C3D4: queue,
      Other: queue,
      FunctionRole: role('lambda.amazonaws.com'),
      Notifier: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          ...{ Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile: HANDLER }, Role: arn('FunctionRole') },
          DeadLetterConfig: { TargetArn: arn('NotifierDeadLettersA1B2C3D4') },
        },
      },
      Topic: { Type: 'AWS::SNS::Topic' },
      Subscription: {
        Type: 'AWS::SNS::Subscription',
        Properties: {
          ...{ TopicArn: { Ref: 'Topic' }, Protocol: 'lambda', Endpoint: arn('Notifier') },
          RedrivePolicy: { deadLetterTargetArn: arn('UndeliveredA1B2C3D4') },
        },
      },
      MachineRole: role('states.amazonaws.com'),
      RuleRole: role('events.amazonaws.com'),
      Machine: {
        Type: 'AWS::StepFunctions::StateMachine',
        Properties: {
          RoleArn: arn('MachineRole'),
          DefinitionString: JSON.stringify({ StartAt: 'Done', States: { Done: { Type: 'Succeed' } } }),
        },
      },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventPattern: { source: ['aws.sagemaker'] },
          Targets: [
            {
              ...{ Id: 'Target0', Arn: { Ref: 'Machine' }, RoleArn: arn('RuleRole') },
              DeadLetterConfig: { Arn: arn('ApprovalA1B2C3D4') },
            },
          ],
        },
      },
    },
  };
}

async function put(name: string, body: unknown): Promise<DeadLetterQueue> {
  const queue = queues.get(name);
  if (!queue) throw new Error(`no queue ${name}`);
  await connection.clients.sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: JSON.stringify(body) }));
  return queue;
}

test('queues are found with their receivers, and a queue of no receiver is none', () => {
  expect([...queues].map(([name, { receiver }]) => [name, receiver.kind])).toEqual([
    ['Approval', 'state machine'],
    ['NotifierDeadLetters', 'function'],
    ['Undelivered', 'subscription'],
  ]);
});

test('what the function takes is deleted, what it refuses stays and is named without its payload', async () => {
  await put('NotifierDeadLetters', { answer: 42 });
  const queue = await put('NotifierDeadLetters', { secret: 'Ann' });
  expect(await redrive(connection.clients, queue)).toEqual({
    sent: 1,
    failed: [expect.stringMatching(/: not this one$/)],
  });
  // At once, not after the time it was held.
  expect(await waiting(connection.clients, queue)).toBe(1);
  expect((await redrive(connection.clients, queue)).sent).toBe(0);
});

test.each(['Undelivered', 'Approval'])('a message of %s that is no JSON stays, and is not shown', async (name) => {
  const queue = queues.get(name)!;
  const { sqs } = connection.clients;
  await sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: 'Ann lives here' }));
  const { sent, failed } = await redrive(connection.clients, queue);
  expect([sent, failed.length]).toEqual([0, 1]);
  expect(failed[0]).not.toMatch(/Ann|lives/);
  await sqs.send(new PurgeQueueCommand({ QueueUrl: queue.url }));
});

test('a notification reaches the function in the form in which a topic would have brought it', async () => {
  const MessageAttributes = { kind: { Type: 'String', Value: 'alert#1' } };
  const queue = await put('Undelivered', {
    ...{ Type: 'Notification', MessageId: 'm', TopicArn: 'arn:aws:sns:us-east-1:000000000000:t', Message: '{}' },
    ...{ Timestamp: '2026-01-01T00:00:00.000Z', MessageAttributes },
  });
  expect(await redrive(connection.clients, queue)).toEqual({ sent: 1, failed: [] });
  expect(await waiting(connection.clients, queue)).toBe(0);
});

test.each([
  ['event', { detail: { ModelPackageArn: 'arn:1' } }],
  ["rule's input", { model_package_arn: 'arn:1' }],
])('an approval that could not start its deployment starts it by the %s', async (_, body) => {
  const queue = await put('Approval', body);
  expect(await redrive(connection.clients, queue)).toEqual({ sent: 1, failed: [] });
  const { sfn } = connection.clients;
  const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn: queue.receiver.name }));
  const { input } = await sfn.send(new DescribeExecutionCommand({ executionArn: executions[0]?.executionArn }));
  expect(JSON.parse(input ?? '')).toEqual({ model_package_arn: 'arn:1' });
});

test('every dead-letter queue of the app has a receiver that is found', async () => {
  const all = await resourcesOf('prod');
  // What has one of its own is read by a function: files that landed.
  const queues = [...all].filter(
    ([, { Type, Properties }]) => Type === 'AWS::SQS::Queue' && Properties?.RedrivePolicy === undefined,
  );
  const named = JSON.stringify(
    [...all.values()].map(({ Properties }) => [
      Properties?.DeadLetterConfig,
      Properties?.RedrivePolicy,
      Properties?.Targets,
      Properties?.Target,
    ]),
  );
  expect(queues).toHaveLength(13);
  for (const [id] of queues) expect(named).toContain(`"${id.split('/')[1]}"`);
});
