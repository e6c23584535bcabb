import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { PREFIX } from '../../names/lake.ts';
import { ROLLBACK_ALARM_PREFIX } from '../../names/rollback.ts';
import type { SparkJob } from '../batch/spark-job.ts';
import type { Lake } from '../feature-store/lake.ts';
import { type Deployment, deploymentName } from '../foundation/deployment.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import type { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import type { ScoringEndpoint } from '../serving/scoring-endpoint.ts';
import type { ModelRegistry } from './model-registry.ts';

/** What the training state machine works with. */
export interface MachineParts {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly lake: Lake;
  readonly registry: ModelRegistry;
  readonly endpoint: ScoringEndpoint;
  readonly buildTrainingSet: SparkJob;
  /** That it asks. */
  readonly functions: readonly IFunction[];
  readonly trainingRole: Role;
  /** Absent where there is no endpoint. */
  readonly hostingRole?: Role;
}

/** Every action with the resources it is for; names are made of the deployment's name and the execution's. */
export function grantMachine(role: Role, parts: MachineParts): void {
  parts.buildTrainingSet.grantRun(role);
  allow(
    role,
    ['lambda:InvokeFunction'],
    parts.functions.map(({ functionArn }) => functionArn),
  );
  grantTraining(role, parts);
  const roles = [parts.trainingRole.roleArn, ...(parts.hostingRole ? [parts.hostingRole.roleArn] : [])];
  allow(role, ['iam:PassRole'], roles, { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } });
  if (parts.deployment.stage.endpoint.mode !== 'in-process') grantDeploying(role, parts);
  explainGrants(role, parts);
  const { canaryPercent, autoscaling } = parts.deployment.stage.endpoint;
  if (canaryPercent > 0) grantRollbackAlarms(role, parts);
  if (autoscaling) grantAutoscaling(role, parts);
}

function allow(role: Role, actions: string[], resources: string[], conditions?: Record<string, unknown>): void {
  role.addToPrincipalPolicy(new PolicyStatement({ actions, resources, conditions }));
}

/** Of what each execution makes under its own name. */
function ownArn(role: Role, deployment: Deployment, resource: 'training-job' | 'model' | 'endpoint-config'): string {
  const resourceName = `${deploymentName(deployment)}-*`;
  return Stack.of(role).formatArn({ service: 'sagemaker', resource, resourceName });
}

function grantTraining(role: Role, { deployment, registry, lake }: MachineParts): void {
  allow(
    role,
    [
      'sagemaker:CreateTrainingJob',
      'sagemaker:DescribeTrainingJob',
      'sagemaker:StopTrainingJob',
      // The .sync pattern marks the job as its own.
      'sagemaker:AddTags',
      'sagemaker:ListTags',
    ],
    [ownArn(role, deployment, 'training-job')],
  );
  // The .sync pattern listens to the end of the job through this managed rule.
  const resourceName = 'StepFunctionsGetEventsForSageMakerTrainingJobsRule';
  allow(
    role,
    ['events:DescribeRule', 'events:PutRule', 'events:PutTargets'],
    [Stack.of(role).formatArn({ service: 'events', resource: 'rule', resourceName })],
  );
  allow(
    role,
    ['sagemaker:CreateModelPackage', 'sagemaker:DescribeModelPackage'],
    [registry.groupArn, registry.packagesArn],
  );
  // Which model serves, before the first deployment none.
  lake.grantRead(role, PREFIX.serving);
  // Whether the archive is still the one that was approved.
  lake.grantHead(role, PREFIX.models);
  // What serves is written there.
  lake.grantPut(role, PREFIX.serving);
}

function grantDeploying(role: Role, parts: MachineParts): void {
  const { deployment, registry, endpoint } = parts;
  const model = ownArn(role, deployment, 'model');
  const endpointConfig = ownArn(role, deployment, 'endpoint-config');
  // Whether a model made of a package is checked on the package as well is documented for other accounts only.
  allow(role, ['sagemaker:CreateModel'], [model, registry.packagesArn]);
  allow(role, ['sagemaker:DescribeModel', 'sagemaker:DeleteModel'], [model]);
  allow(
    role,
    ['sagemaker:CreateEndpointConfig', 'sagemaker:DescribeEndpointConfig', 'sagemaker:DeleteEndpointConfig'],
    [endpointConfig],
  );
  allow(role, ['sagemaker:ListModels', 'sagemaker:ListEndpointConfigs'], ['*']);
  allow(role, ['sagemaker:CreateEndpoint', 'sagemaker:UpdateEndpoint'], [endpoint.endpointArn, endpointConfig]);
  allow(role, ['sagemaker:DescribeEndpoint', 'sagemaker:DeleteEndpoint'], [endpoint.endpointArn]);
}

/** Each deployment makes its own alarms on its own fleet. */
function grantRollbackAlarms(role: Role, { alarms, hostingRole }: MachineParts): void {
  const prefix = `${alarms.prefix}${ROLLBACK_ALARM_PREFIX}`;
  const arn = Stack.of(role).formatArn({ service: 'cloudwatch', resource: `alarm:${prefix}*` });
  allow(role, ['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'], [arn]);
  // "Ensure that your IAM execution role has permission to perform the cloudwatch:DescribeAlarms action on the
  // auto-rollback alarms you specify": the role of the model, or the one that updates the endpoint.
  for (const one of [role, ...(hostingRole ? [hostingRole] : [])]) {
    allow(one, ['cloudwatch:DescribeAlarms'], [arn]);
    explainWildcards(one, {
      finding: new RegExp(`^Resource::arn:\\S+:cloudwatch:\\S+:alarm:${prefix}\\*$`),
      reason: 'Each deployment makes its own alarms on its own fleet; the statement is limited to the names of these.',
    });
  }
}

/**
 * Application Auto Scaling acts for who registers: "cloudwatch:PutMetricAlarm", "DescribeAlarms", "DeleteAlarms" and the calls
 * on the endpoint are asked of the caller
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html).
 */
function grantAutoscaling(role: Role, { endpoint, deployment }: MachineParts): void {
  const stack = Stack.of(role);
  const resourceName = '*';
  const targets = stack.formatArn({ service: 'application-autoscaling', resource: 'scalable-target', resourceName });
  allow(
    role,
    [
      'application-autoscaling:RegisterScalableTarget',
      'application-autoscaling:DeregisterScalableTarget',
      'application-autoscaling:PutScalingPolicy',
    ],
    [targets],
    { StringEquals: { 'application-autoscaling:service-namespace': 'sagemaker' } },
  );
  allow(role, ['application-autoscaling:DescribeScalingPolicies'], ['*']);
  const alarms = `alarm:TargetTracking-endpoint/${deploymentName(deployment)}/variant/`;
  allow(
    role,
    ['cloudwatch:PutMetricAlarm', 'cloudwatch:DescribeAlarms', 'cloudwatch:DeleteAlarms'],
    [stack.formatArn({ service: 'cloudwatch', resource: `${alarms}*` })],
  );
  allow(role, ['sagemaker:UpdateEndpointWeightsAndCapacities'], [endpoint.endpointArn]);
  const scaler = 'sagemaker.application-autoscaling.amazonaws.com';
  allow(
    role,
    ['iam:CreateServiceLinkedRole'],
    [
      `arn:${stack.partition}:iam::${stack.account}:role/aws-service-role/${scaler}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`,
    ],
    { StringEquals: { 'iam:AWSServiceName': scaler } },
  );
  explainWildcards(
    role,
    {
      finding: /^Resource::arn:\S+:application-autoscaling:\S+:scalable-target\/\*$/,
      reason:
        'The ids of scalable targets are made by the service; the statement is limited to endpoints of SageMaker.',
    },
    {
      finding: new RegExp(`^Resource::arn:\\S+:cloudwatch:\\S+:${alarms}\\*$`),
      reason:
        'Application Auto Scaling names the alarms of a policy; the statement is limited to those of this endpoint.',
    },
  );
}

function explainGrants(role: Role, { deployment }: MachineParts): void {
  const name = deploymentName(deployment);
  explainWildcards(
    role,
    {
      finding: /^Resource::\*$/,
      reason:
        'Log delivery of Step Functions (logs:*LogDelivery, logs:*ResourcePolic*), X-Ray, sagemaker:ListModels and sagemaker:ListEndpointConfigs have no resource type: IAM takes only "*".',
    },
    {
      finding: new RegExp(`^Resource::arn:\\S+:sagemaker:\\S+:(training-job|model|endpoint-config)/${name}-\\*$`),
      reason:
        'Each execution makes resources under its own name; the statement is limited to the prefix of this deployment.',
    },
    {
      finding: new RegExp(`^Resource::arn:\\S+:sagemaker:\\S+:model-package/${name}/\\*$`),
      reason: 'The registry numbers the versions itself; the statement is limited to the one model package group.',
    },
  );
}
