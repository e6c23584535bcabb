import { CloudFormationClient, DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import {
  CloudWatchClient,
  PutDashboardCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { definitionsFolder, readResources } from '../../cli/stage/resources.ts';
import { readDashboard } from '../../console/dashboard.ts';
import { readCounts } from '../../console/pipeline.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { TINY } from '../infra/synthesised.ts';
import { stack as makeStack } from './small-registry.ts';

let cloud: LocalCloud;
let cloudformation: CloudFormationClient;
let cloudwatch: CloudWatchClient;

const stack = (name: string, outputs: Readonly<Record<string, string>>) =>
  makeStack({ cloudformation }, name, { Topic: { Type: 'AWS::SNS::Topic' } }, outputs);

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  cloudformation = new CloudFormationClient(cloud.clientConfig);
  cloudwatch = new CloudWatchClient(cloud.clientConfig);
  await stack('tidemark-dev-churn-storage', { StreamName: 'churn-stream' });
  await stack('tidemark-dev-churn-training', { EndpointName: 'tidemark-dev-churn' });
  await stack('tidemark-dev-churn-2-storage', { StreamName: 'second-stream' });
  await stack('tidemark-prod-tiny-storage', { StreamName: 'tiny-stream' });
  await stack('tidemark-prod-gone-storage', { StreamName: 'gone-stream' });
  await cloudformation.send(new DeleteStackCommand({ StackName: 'tidemark-prod-gone-storage' }));
});

afterAll(async () => {
  cloudformation?.destroy();
  cloudwatch?.destroy();
  await cloud?.stop();
});

describe('a stage with several use cases', () => {
  test('is asked which one, with the list', async () => {
    await expect(readResources(cloudformation, { stage: 'dev' })).rejects.toThrow(
      'Stage "dev" has several use cases: say which with --usecase <name>; deployed are churn, churn-2.',
    );
  });

  test.each([
    ['churn', 'churn-stream'],
    ['churn-2', 'second-stream'],
    ['churn_2', 'second-stream'],
  ])('%s has its own resources alone', async (usecase, stream) => {
    const resources = await readResources(cloudformation, { stage: 'dev', usecase });
    expect(resources.get('stream')).toBe(stream);
    expect(resources.find('endpoint')).toBe(usecase === 'churn' ? 'tidemark-dev-churn' : undefined);
    expect(resources.deployment).toBe(`tidemark-dev-${usecase.replace('_', '-')}`);
  });

  test('says what is deployed when another is asked for', async () => {
    await expect(readResources(cloudformation, { stage: 'dev', usecase: 'fraud' })).rejects.toThrow(
      /Use case "fraud" is not deployed in stage "dev"; deployed: churn, churn-2\./,
    );
  });
});

test('a stage with one use case needs no name, and a deleted stack is no use case', async () => {
  const resources = await readResources(cloudformation, { stage: 'prod' });
  expect(resources.get('stream')).toBe('tiny-stream');
  expect(() => resources.get('endpoint')).toThrow(/has no model: its use case has events and features alone/);
  await expect(readResources(cloudformation, { stage: 'local' })).rejects.toThrow(
    /Nothing of stage "local" is deployed/,
  );
});

test('a folder stands for the name of its use case, and a name for its folder', async () => {
  const resources = await readResources(cloudformation, { stage: 'prod', usecase: TINY });
  expect(resources.useCase).toBe('tiny');
  expect(definitionsFolder(resources, TINY)).toBe(TINY);
  expect(() => definitionsFolder(resources, undefined)).toThrow(/not a folder under usecases\//);
  const churn = await readResources(cloudformation, { stage: 'dev', usecase: 'churn' });
  expect(definitionsFolder(churn, undefined)).toBe('churn');
});

test("the page counts a use case's own metrics and shows its own alarms", async () => {
  const about = (usecase: string) => ({
    Namespace: 'Tidemark',
    MetricName: 'EventsAdmitted',
    Dimensions: Object.entries({ service: 'processor', stage: 'dev', usecase }).map(([Name, Value]) => ({
      Name,
      Value,
    })),
  });
  for (const [usecase, Value] of [
    ['churn', 3],
    ['churn-2', 40],
  ] as const) {
    const { Namespace, ...metric } = about(usecase);
    await cloudwatch.send(
      new PutMetricDataCommand({ Namespace, MetricData: [{ ...metric, Timestamp: new Date(), Value }] }),
    );
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        ...about(usecase),
        ...{ AlarmName: `dev/${usecase}/Quiet`, Statistic: 'Sum', Period: 60, EvaluationPeriods: 1, Threshold: 1 },
        ComparisonOperator: 'LessThanThreshold',
      }),
    );
  }
  await cloudwatch.send(new PutDashboardCommand({ DashboardName: 'board', DashboardBody: '{"widgets":[]}' }));
  const source = { stage: 'dev', useCase: 'churn', dashboardName: 'board' };
  expect((await readCounts(cloudwatch, source, Date.now() - 3_600_000)).counts).toEqual({ EventsAdmitted: 3 });
  const { alarms } = await readDashboard(cloudwatch, source, Date.now() - 3_600_000, Date.now());
  expect(alarms.map(({ name }) => name)).toEqual(['dev/churn/Quiet']);
});
