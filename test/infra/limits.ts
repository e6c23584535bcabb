/**
 * Limits of CloudFormation, IAM and Lambda that a template can break only when it is deployed.
 */
import { textOf } from './arns.ts';
import { STACKS } from './synthesised.ts';
import { list, type Placed, statementsOf, type Templates } from './templates.ts';

export interface Measured {
  readonly what: string;
  readonly found: number;
  readonly limit: number;
}

export const LIMITS = {
  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html, template in S3, bytes */
  template: 1_048_576,
  resources: 500,
  outputs: 200,
  /** Bytes of an output's or a description's text. */
  description: 1024,
  /** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, characters without white space */
  managedPolicy: 6144,
  /** All inline policies of a role together. */
  inlinePolicies: 10_240,
  trustPolicy: 2048,
  /** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html, bytes */
  keyPolicy: 32_768,
  /** https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html, KB; also queues and buckets (20 KB) */
  topicPolicy: 30_720,
  /** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, bytes of all variables */
  environment: 4096,
  /** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, definition, bytes */
  definition: 1_048_576,
  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html, characters */
  alarmName: 255,
  alarmDescription: 1024,
} as const;

export function measure(templates: Templates): Measured[] {
  const found: Measured[] = [];
  const add = (what: string, limit: keyof typeof LIMITS, value: number) =>
    found.push({ what: `${limit} of ${what}`, found: value, limit: LIMITS[limit] });
  for (const stack of STACKS) {
    const template = templates.byStack[stack];
    add(stack, 'template', Buffer.byteLength(JSON.stringify(template)));
    add(stack, 'resources', Object.keys(template.Resources).length);
    add(stack, 'outputs', Object.keys(template.Outputs ?? {}).length);
  }
  const text = ({ stack }: Placed, value: unknown) => characters(templates, stack, value);
  for (const role of templates.all('AWS::IAM::Role')) {
    const inline = [
      ...(list(role.properties.Policies) as Array<{ PolicyDocument: unknown }>).map(({ PolicyDocument }) =>
        text(role, PolicyDocument),
      ),
      ...policiesOf(templates, role).map((policy) => text(policy, policy.properties.PolicyDocument)),
    ];
    add(
      `${role.stack}/${role.id}`,
      'inlinePolicies',
      inline.reduce((sum, each) => sum + each, 0),
    );
    add(`${role.stack}/${role.id}`, 'trustPolicy', text(role, role.properties.AssumeRolePolicyDocument));
  }
  for (const each of templates.all()) {
    const name = `${each.stack}/${each.id}`;
    const { type, properties } = each;
    if (type === 'AWS::IAM::ManagedPolicy') add(name, 'managedPolicy', text(each, properties.PolicyDocument));
    if (type === 'AWS::KMS::Key') add(name, 'keyPolicy', text(each, properties.KeyPolicy));
    if (/::(TopicPolicy|QueuePolicy|BucketPolicy)$/.test(type))
      add(name, 'topicPolicy', text(each, properties.PolicyDocument));
    if (type === 'AWS::Lambda::Function') {
      const { Variables = {} } = (properties.Environment ?? {}) as { Variables?: Record<string, unknown> };
      const bytes = Object.entries(Variables).map(([key, value]) =>
        Buffer.byteLength(key + textOf(templates, each.stack, value)),
      );
      add(
        name,
        'environment',
        bytes.reduce((sum, next) => sum + next, 0),
      );
    }
    if (type === 'AWS::StepFunctions::StateMachine') {
      add(name, 'definition', Buffer.byteLength(textOf(templates, each.stack, properties.DefinitionString)));
    }
    if (type === 'AWS::CloudWatch::Alarm' || type === 'AWS::CloudWatch::CompositeAlarm') {
      add(name, 'alarmName', String(properties.AlarmName).length);
      add(name, 'alarmDescription', String(properties.AlarmDescription).length);
    }
  }
  return found;
}

/** Policies of `AWS::IAM::Policy` that are put inline into the role. */
function policiesOf(templates: Templates, role: Placed): Placed[] {
  return templates
    .all('AWS::IAM::Policy')
    .filter(
      ({ stack, properties }) =>
        stack === role.stack && list(properties.Roles).some((each) => templates.target(stack, each)?.id === role.id),
    );
}

/** Characters of a policy with sample ARNs for references. White space does not count, and there is none. */
function characters(templates: Templates, stack: Placed['stack'], policy: unknown): number {
  const resolved = statementsOf(policy).map((statement) => ({
    ...statement,
    ...(statement.Resource === undefined
      ? {}
      : { Resource: list(statement.Resource as unknown[]).map((each) => textOf(templates, stack, each)) }),
  }));
  return JSON.stringify({ ...(policy as object), Statement: resolved }).length;
}
