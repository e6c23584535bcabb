import {
  CreateStackCommand,
  DescribeStacksCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { DescribeAlarmsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DeleteObjectCommand, HeadBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  DescribeModelPackageGroupCommand,
  ListEndpointConfigsCommand,
  ListModelsCommand,
} from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describePlan } from '../../cli/commands/destroy/command.ts';
import { destroy } from '../../cli/commands/destroy/destroy.ts';
import { isOf } from '../../cli/commands/destroy/left-behind.ts';
import { planDestruction } from '../../cli/commands/destroy/plan.ts';
import { readServed } from '../../cli/commands/model/models.ts';
import { type Connection, connectTo } from '../../cli/stage/connection.ts';
import { readResources } from '../../cli/stage/resources.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { Progress } from '../../setup/progress.mjs';
import { SmallRegistry } from './small-registry.ts';

let cloud: LocalCloud;
let connection: Connection;
const TRAINING_LOGS = '/aws/sagemaker/TrainingJobs';

/** Says nothing, and keeps what it was told to do. */
class Told extends Progress {
  readonly steps: string[] = [];
  override async step<T>(title: string, work: Parameters<Progress['step']>[1]): Promise<T> {
    this.steps.push(title);
    return (await work({ update: () => {}, done: () => {}, fail: () => {}, elapsedMs: () => 0 })) as T;
  }
}

const find = (usecase: string) => readResources(connection.clients.cloudformation, { stage: 'local', usecase });

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  connection = connectTo(cloud);
  const { s3, logs } = connection.clients;
  for (const name of ['demo', 'demo-2']) {
    const registry = await SmallRegistry.make(cloud, connection, name);
    await registry.createEndpoint(await registry.configure(await registry.register('Approved'), 'aaaa'));
    const Bucket = `small-registry-${name}`;
    for (const Body of ['one', 'two']) await s3.send(new PutObjectCommand({ Bucket, Key: 'archive/a', Body }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'archive/a' }));
  }
  for (const name of ['local/demo/CanaryErrors-0f', 'local/demo-2/CanaryErrors-0f'])
    await connection.clients.cloudwatch.send(
      new PutMetricAlarmCommand({
        ...{ AlarmName: name, Namespace: 'AWS/SageMaker', MetricName: 'Invocation5XXErrors', Statistic: 'Sum' },
        ...{ Period: 60, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: 'GreaterThanThreshold' },
      }),
    );
  await logs.send(new CreateLogGroupCommand({ logGroupName: TRAINING_LOGS }));
  for (const job of ['tidemark-local-demo-aaaa', 'tidemark-local-demo-2-aaaa', 'somebody-else'])
    await logs.send(new CreateLogStreamCommand({ logGroupName: TRAINING_LOGS, logStreamName: `${job}/algo-1` }));
});

afterAll(() => cloud?.stop());

test.each([
  ['tidemark-dev-churn-0f', true],
  ['tidemark-dev-churn-2-0f', false],
  ['tidemark-dev-churn', false],
  ['tidemark-dev-churner-0f', false],
])('%s is of tidemark-dev-churn: %s', (name, own) => {
  expect(isOf(name, 'tidemark-dev-churn', ['tidemark-dev-churn-2', 'tidemark-dev-other'])).toBe(own);
});

test('a protected stack is refused, with how to lift the protection, and so is a protected table', async () => {
  const { cloudformation } = connection.clients;
  const StackName = 'tidemark-local-demo-storage';
  const protect = (EnableTerminationProtection: boolean) =>
    cloudformation.send(new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection }));
  await protect(true);
  await expect(planDestruction(connection.clients, await find('demo'))).rejects.toThrow(
    /stack tidemark-local-demo-storage has termination protection\. Nothing was deleted\. .* set protection in lib\/config\/local\.ts to \{ allowDestroy: true, terminationProtection: false, deletionProtection: false \}, run `npx tidemark deploy --stage local --usecase demo`/,
  );
  await protect(false);
  const Replicas = [{ Region: 'us-east-1', DeletionProtectionEnabled: true }];
  const Keys = { AttributeName: 'id', AttributeType: 'S' };
  await cloudformation.send(
    new CreateStackCommand({
      StackName: 'tidemark-local-guarded-storage',
      TemplateBody: JSON.stringify({
        Resources: {
          Table: {
            Type: 'AWS::DynamoDB::GlobalTable',
            Properties: {
              ...{ AttributeDefinitions: [Keys], KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }], Replicas },
              BillingMode: 'PAY_PER_REQUEST',
            },
          },
        },
      }),
    }),
  );
  await expect(planDestruction(connection.clients, await find('guarded'))).rejects.toThrow(
    /1 tables have deletion protection/,
  );
});

test('what goes and what stays is said, then it goes: every version, and nothing of the other use case', async () => {
  const { clients } = connection;
  const resources = await find('demo');
  const plan = await planDestruction(clients, resources);
  const said = describePlan(resources, plan, 'account 000000000000, region us-east-1');
  expect(said).toContain('tidemark-local-demo-training, tidemark-local-demo-storage (3 resources)');
  expect(said).toContain('registry   1 versions');
  expect(said).toContain('endpoint tidemark-local-demo, 1 models, 1 endpoint configurations');
  expect(said).toMatch(/This stays:\n {2}AWS::SNS::Topic arn:\S+ \(its template says Retain\)/);

  const progress = new Told();
  await destroy(clients, resources, plan, progress, new AbortController().signal);
  // Who writes goes before what it writes to is emptied.
  expect(progress.steps.map((step) => step.replace('tidemark-local-demo-', ''))).toEqual([
    'Delete the endpoint tidemark-local-demo',
    'Delete the stack training',
    'Delete models, endpoint configurations and versions of the registry',
    'Delete what SageMaker and Glue logged',
    'Empty small-registry-demo',
    'Delete the stack storage',
  ]);
  await expect(find('demo')).rejects.toThrow(/"demo" is not deployed/);
  await expect(clients.s3.send(new HeadBucketCommand({ Bucket: 'small-registry-demo' }))).rejects.toThrow();
  const group = new DescribeModelPackageGroupCommand({ ModelPackageGroupName: 'tidemark-local-demo' });
  await expect(clients.sagemaker.send(group)).rejects.toThrow(/does not exist/);
  const names = 'tidemark-local-demo-2-aaaa';
  const { Models = [] } = await clients.sagemaker.send(new ListModelsCommand({}));
  expect(Models.map(({ ModelName }) => ModelName)).toEqual([names]);
  const { EndpointConfigs = [] } = await clients.sagemaker.send(new ListEndpointConfigsCommand({}));
  expect(EndpointConfigs.map(({ EndpointConfigName }) => EndpointConfigName)).toEqual([names]);
  expect(await readServed(clients.sagemaker, await find('demo-2'))).toMatchObject({ version: 1 });
  const { logStreams = [] } = await clients.logs.send(new DescribeLogStreamsCommand({ logGroupName: TRAINING_LOGS }));
  expect(logStreams.map(({ logStreamName }) => logStreamName).sort()).toEqual([
    'somebody-else/algo-1',
    'tidemark-local-demo-2-aaaa/algo-1',
  ]);
  const { logGroups = [] } = await clients.logs.send(
    new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/sagemaker/Endpoints/' }),
  );
  expect(logGroups.map(({ logGroupName }) => logGroupName)).toEqual(['/aws/sagemaker/Endpoints/tidemark-local-demo-2']);
  const { MetricAlarms = [] } = await clients.cloudwatch.send(new DescribeAlarmsCommand({}));
  expect(MetricAlarms.map(({ AlarmName }) => AlarmName).sort()).toEqual([
    'local/demo-2/CanaryErrors-0f',
    'local/demo-2/Quiet',
  ]);
  const { Stacks = [] } = await clients.cloudformation.send(new DescribeStacksCommand({}));
  expect(Stacks.filter(({ StackStatus }) => StackStatus === 'DELETE_FAILED')).toEqual([]);
});
