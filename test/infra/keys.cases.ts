import { describe, expect, test } from '@jest/globals';
import { flatten } from '../../lib/foundation/wildcards.ts';
import { type Resource, resourcesOf } from './synthesised.ts';

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
}

/** What a use of encrypted data asks of its key, as local/tidemark_local/kms/key_uses has it from AWS. */
const NEEDS: readonly [uses: RegExp, ofKey: readonly string[]][] = [
  [
    /^dynamodb:(BatchGet|ConditionCheck|Delete|Get|Put|Update)Item$|^dynamodb:(GetRecords|Query|Scan)$/,
    ['kms:Decrypt'],
  ],
  [/^kinesis:(GetRecords|SubscribeToShard)$/, ['kms:Decrypt']],
  [/^kinesis:PutRecords?$/, ['kms:GenerateDataKey']],
  [/^s3:GetObject(Version)?$/, ['kms:Decrypt']],
  // A large object is written in parts.
  [/^s3:PutObject$/, ['kms:Decrypt', 'kms:GenerateDataKey']],
  [/^secretsmanager:GetSecretValue$/, ['kms:Decrypt']],
  [/^(sns:Publish|sqs:SendMessage)$/, ['kms:Decrypt', 'kms:GenerateDataKey']],
];

/** `action on resource` of each policy of an identity in a stage whose data has a key of ours. */
async function policies(): Promise<[policy: string, grants: { action: string; resource: string }[]][]> {
  return [...(await resourcesOf('prod'))]
    .filter(([, { Type }]) => Type === 'AWS::IAM::Policy')
    .map(([id, resource]) => [id, grantsOf(resource)]);
}

function grantsOf({ Properties }: Resource): { action: string; resource: string }[] {
  return (Properties.PolicyDocument as { Statement: Statement[] }).Statement.flatMap(({ Action, Resource }) =>
    [Action].flat().flatMap((action) => [Resource].flat().map((resource) => ({ action, resource: flatten(resource) }))),
  );
}

/** Code lies in the bucket of the bootstrap, which has no key of ours. */
const isOurs = (resource: string) => !resource.includes('cdk-hnb659fds-assets');
const allows = (granted: string, wanted: string) =>
  granted === wanted || (granted.endsWith('*') && wanted.startsWith(granted.slice(0, -1)));

describe('keys', () => {
  test('who may use encrypted data may use its key as AWS asks for it', async () => {
    const found = await policies();
    const missing: string[] = [];
    let uses = 0;
    for (const [policy, grants] of found) {
      for (const { action, resource } of grants.filter((grant) => isOurs(grant.resource))) {
        for (const wanted of NEEDS.flatMap(([pattern, ofKey]) => (pattern.test(action) ? ofKey : []))) {
          uses += 1;
          const granted = grants.some((grant) => allows(grant.action, wanted) && grant.resource.includes('DataKey'));
          if (!granted) missing.push(`${policy}: ${wanted} for ${action} on ${resource}`);
        }
      }
    }
    expect(missing).toEqual([]);
    expect(uses).toBeGreaterThan(100);
  });

  test('the role of training jobs may encrypt: SageMaker asks for it where a job names the key of its output', async () => {
    const training = (await policies()).filter(([id]) => id.startsWith('training/TrainingTrainingRole'));
    expect(training).toHaveLength(1);
    expect(training[0]?.[1].map(({ action }) => action)).toContain('kms:Encrypt');
  });

  test('a grant on a key names the one key, and nobody may change its policy', async () => {
    const grants = (await policies()).flatMap(([, found]) => found).filter(({ action }) => action.startsWith('kms:'));
    expect(grants.length).toBeGreaterThan(50);
    expect(grants.filter(({ resource }) => !resource.includes('DataKey'))).toEqual([]);
    expect([...new Set(grants.map(({ action }) => action))].sort()).toEqual([
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
    ]);
  });
});
