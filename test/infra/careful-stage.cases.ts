/** A stage with a shadow and instances by load: what no stage that ships has switched on. */
import { describe, expect, test } from '@jest/globals';
import { prod } from '../../lib/config/prod.ts';
import { parseStageConfig } from '../../lib/config/stage-config.ts';
import { flatten } from '../../lib/foundation/wildcards.ts';
import { readable, type Statement } from './grants.ts';
import { nagFindings, QUIET, type Resource, type Synthesised, synthesiseConfig } from './synthesised.ts';

let made: Promise<Synthesised> | undefined;
/** Synthesised once for all of these. */
function careful(): Promise<Synthesised> {
  made ??= synthesiseConfig(
    parseStageConfig('lib/config/careful.ts', {
      ...prod,
      endpoint: {
        ...prod.endpoint,
        experiments: false,
        shadow: {
          ...{ seconds: 3600, minimumPairs: 1000, maxDecisionShare: 0.02 },
          ...{ maxScoreDistance: 0.05, maxErrorShare: 0, maxLatencyMs: 500 },
        },
        autoscaling: {
          ...{ minInstances: 2, maxInstances: 6, invocationsPerInstance: 600 },
          ...{ scaleInCooldownSeconds: 300, scaleOutCooldownSeconds: 60 },
        },
      },
    }),
    QUIET,
  );
  return made;
}

async function grants(role: string): Promise<string[]> {
  const policies = (await careful()).template('training').findResources('AWS::IAM::Policy') as Record<string, Resource>;
  const own = Object.values(policies).filter(({ Properties }) => JSON.stringify(Properties.Roles).includes(`"${role}`));
  expect(own).toHaveLength(1);
  const { Statement: statements } = own[0]!.Properties.PolicyDocument as { Statement: Statement[] };
  return statements.flatMap(({ Action, Resource: on }) =>
    [Action].flat().flatMap((action) => [on].flat().map((one) => `${action} on ${readable(one)}`)),
  );
}

describe('a stage with a shadow and autoscaling', () => {
  test('passes cdk-nag: AwsSolutions and Serverless', async () => {
    const { app } = await careful();
    expect(nagFindings(app)).toEqual([]);
  });

  test('a model may write what is captured of it, and read nothing there', async () => {
    const captured = (await grants('TrainingHostingRole')).filter((grant) => grant.includes('captured/'));
    expect(captured).toEqual(['s3:PutObject on <LakeBucket Arn>/captured/*']);
  });

  test('what compares reads captures and predictions, and writes reports', async () => {
    const own = await grants('TrainingShadow');
    expect(own.filter((grant) => grant.startsWith('s3:')).sort()).toEqual([
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/archive/predictions/*',
      's3:GetObject on <LakeBucket Arn>/captured/*',
      's3:ListBucket on <LakeBucket Arn>',
      's3:PutObject on <LakeBucket Arn>/reports/shadow/*',
    ]);
    expect(own).toContain('cloudwatch:GetMetricData on *');
  });

  test("the state machine scales this endpoint's variants, and makes the alarms of their policies alone", async () => {
    const own = await grants('TrainingRole');
    const of = (service: string) =>
      own.filter((grant) => grant.startsWith(service)).map((grant) => grant.split(' ')[0]);
    expect(of('application-autoscaling:').sort()).toEqual([
      'application-autoscaling:DeregisterScalableTarget',
      'application-autoscaling:DescribeScalingPolicies',
      'application-autoscaling:PutScalingPolicy',
      'application-autoscaling:RegisterScalableTarget',
    ]);
    const alarms = own.filter((grant) => grant.includes('TargetTracking-'));
    expect(alarms).toHaveLength(3);
    for (const grant of alarms) expect(grant).toMatch(/alarm:TargetTracking-endpoint\/tidemark-prod-\S+\/variant\/\*$/);
    expect(own.filter((grant) => grant.startsWith('iam:CreateServiceLinkedRole'))).toHaveLength(1);
  });

  test('the definition names the function and the lake', async () => {
    const [machine] = Object.values(
      (await careful()).template('training').findResources('AWS::StepFunctions::StateMachine'),
    );
    const text = flatten(machine?.Properties.DefinitionString);
    for (const part of ['CompareShadow', '/captured/', 'RegisterChampion', 'serving/']) expect(text).toContain(part);
  });
});
