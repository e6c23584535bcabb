import { expect } from '@jest/globals';
import { flatten } from '../../lib/foundation/wildcards.ts';
import { type Resource, resourcesOf } from './synthesised.ts';

export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** `action on resource` of all statements of a role, whatever policy they stand in; logs, X-Ray and KMS are left out. */
export async function grantsOf(role: string): Promise<string[]> {
  const policies = [...(await resourcesOf('prod'))].filter(
    ([, { Type, Properties }]) => Type === 'AWS::IAM::Policy' && JSON.stringify(Properties.Roles).includes(`"${role}`),
  );
  expect(policies).toHaveLength(1);
  return statementsOf(policies[0]?.[1])
    .flatMap(({ Action, Resource }) =>
      [Action].flat().flatMap((action) => [Resource].flat().map((resource) => `${action} on ${readable(resource)}`)),
    )
    .filter((grant) => !/^(logs|xray|kms):/.test(grant))
    .sort();
}

export function statementsOf(resource: Resource | undefined): Statement[] {
  return (resource?.Properties.PolicyDocument as { Statement: Statement[] } | undefined)?.Statement ?? [];
}

/** A reference by what it points to, without the hash of its logical id. */
export function readable(resource: unknown): string {
  return flatten(resource)
    .replaceAll(/[\w-]+:ExportsOutput(?:FnGetAtt|Ref)(\w+?)[0-9A-F]{8}(Arn|StreamArn)?[0-9A-F]{8}/g, '<$1 $2>')
    .replaceAll(/<(\w+?)[0-9A-F]{8}(?:\.(\w+))?>/g, '<$1 $2>')
    .replaceAll(/arn:(aws|<AWS::Partition>)/g, 'arn:aws');
}

export const FAILED = [
  's3:GetBucketLocation on <LakeBucket Arn>',
  's3:ListBucket on <LakeBucket Arn>',
  's3:PutObject on <LakeBucket Arn>/aws/lambda/*',
];
export const READ_STREAM = (stream: string) =>
  ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map(
    (action) => `dynamodb:${action} on <${stream} StreamArn>`,
  );
export const READ_KINESIS = [
  'DescribeStream',
  'DescribeStreamConsumer',
  'DescribeStreamSummary',
  'GetRecords',
  'GetShardIterator',
  'ListShards',
  'ListStreams',
  'SubscribeToShard',
].map((action) => `kinesis:${action} on <EventsStream Arn>`);
export const endpoint = expect.stringMatching(
  /^sagemaker:InvokeEndpoint on arn:aws:sagemaker:eu-west-1:\S+:endpoint\/tidemark-prod-tiny$/,
);
