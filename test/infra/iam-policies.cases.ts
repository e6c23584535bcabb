import { describe, expect, test } from '@jest/globals';
import { allStatements, overlaps, policyProblems, WITHOUT_EFFECT } from './iam-policies.ts';
import { STAGES } from './synthesised.ts';
import { type Statement, statementsOf, Templates } from './templates.ts';

describe.each(STAGES)('policies of %s', (stage) => {
  test('name actions, resources and condition keys that IAM knows together', async () => {
    const templates = await Templates.of(stage);
    expect(allStatements(templates).length).toBeGreaterThan(150);
    const problems = await policyProblems(templates);
    expect(problems.filter((problem) => !WITHOUT_EFFECT.some((known) => known.problem.test(problem)))).toEqual([]);
    for (const { problem, because } of WITHOUT_EFFECT) {
      expect([because, problems.filter((each) => problem.test(each)).length]).not.toEqual([because, 0]);
    }
  });
});

describe('the check of policies', () => {
  /** Problems of prod in which every statement with `action` of an identity policy was changed. */
  async function problemsWith(action: string, change: (statement: Statement) => object): Promise<string[]> {
    const templates = (await Templates.of('prod')).broken(({ type, properties }) => {
      if (type !== 'AWS::IAM::Policy') return;
      for (const statement of statementsOf(properties.PolicyDocument)) {
        if ([statement.Action].flat().includes(action)) Object.assign(statement, change(statement));
      }
    });
    return policyProblems(templates);
  }

  test.each<[string, string, (statement: Statement) => object, RegExp]>([
    ['a misspelt action', 'sns:Publish', () => ({ Action: 'sns:PublishMessage' }), /sns:PublishMessage is no action$/],
    ['a wildcard that means nothing', 'sns:Publish', () => ({ Action: 'sns:Publihs*' }), /sns:Publihs\* is no action$/],
    ['a service that does not exist', 'sns:Publish', () => ({ Action: 'snss:Publish' }), /snss:Publish is no action$/],
    [
      'a resource of another type',
      'sagemaker:InvokeEndpoint',
      () => ({ Resource: 'arn:aws:sagemaker:eu-west-1:111122223333:model/tiny' }),
      /sagemaker:InvokeEndpoint takes none of its resources/,
    ],
    [
      'a bucket where objects are meant',
      's3:PutObject',
      () => ({ Action: 's3:PutObject', Resource: 'arn:aws:s3:::bucket' }),
      /s3:PutObject takes none of its resources \(arn:aws:s3:::bucket\)$/,
    ],
    [
      'a resource that no action takes',
      'sns:Publish',
      ({ Resource }) => ({ Resource: [Resource, 'arn:aws:sqs:eu-west-1:111122223333:queue'].flat() }),
      /no action of the statement takes arn:aws:sqs:eu-west-1:111122223333:queue$/,
    ],
    [
      'a resource for an action that takes only the star',
      'xray:PutTraceSegments',
      () => ({ Resource: 'arn:aws:xray:eu-west-1:111122223333:group/any/1' }),
      /xray:PutTraceSegments takes none of its resources/,
    ],
    [
      'a condition key that does not come with the action',
      'iam:PassRole',
      () => ({ Condition: { StringEquals: { 'kms:ViaService': 'sagemaker.eu-west-1.amazonaws.com' } } }),
      /iam:PassRole knows no condition key kms:ViaService$/,
    ],
  ])('finds %s', async (_, action, change, sentence) => {
    const problems = await problemsWith(action, change);
    expect(problems.filter((problem) => sentence.test(problem))).not.toEqual([]);
  });

  test.each<[string, string, boolean]>([
    ['arn:aws:s3:::bucket/a/b*', 'arn:{}:s3:::{}/{ObjectName}', true],
    ['arn:aws:s3:::bucket/a/b*', 'arn:{}:s3:::{}', false],
    ['arn:aws:s3:::*', 'arn:{}:s3:::{}/{ObjectName}', true],
    ['arn:aws:sns:r:1:topic', 'arn:{}:sqs:{}:{}:{}', false],
    ['arn:aws:dynamodb:r:1:table/t', 'arn:{}:dynamodb:{}:{}:table/{}', true],
    ['arn:aws:dynamodb:r:1:table/t/stream/s', 'arn:{}:dynamodb:{}:{}:table/{}', false],
  ])('%s and %s can mean the same: %s', (resource, pattern, same) => {
    expect(overlaps(resource, pattern)).toBe(same);
  });
});
