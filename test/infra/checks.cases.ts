import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { CfnResource, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { flatten } from '../../lib/foundation/wildcards.ts';
import { differences, reviewed, wholeText } from './reviewed.ts';
import {
  nagFindings,
  type Resource,
  resourcesOf,
  STACKS,
  STAGES,
  type StageName,
  synthesise,
  TINY,
} from './synthesised.ts';

const CFN_LINT = fileURLToPath(new URL('../../.venv/bin/cfn-lint', import.meta.url));

/** The stage whose snapshot is whole; of the others it holds what differs. */
const WHOLE: StageName = 'prod';

/** Kinds of resource whose replacement loses data. Their logical ids are the identity of that data. */
const STATEFUL = new Set([
  'AWS::DynamoDB::GlobalTable',
  'AWS::Glue::Database',
  'AWS::KMS::Key',
  'AWS::Kinesis::Stream',
  'AWS::S3::Bucket',
  'AWS::SNS::Topic',
  'AWS::SageMaker::ModelPackageGroup',
  'AWS::SecretsManager::Secret',
]);

describe.each(STAGES)('stage %s', (stage) => {
  test('passes cdk-nag: AwsSolutions and Serverless', async () => {
    const { app } = await synthesise(stage);
    expect(nagFindings(app)).toEqual([]);
  });

  test('passes cfn-lint', async () => {
    const { outdir } = await synthesise(stage);
    const templates = readdirSync(outdir).filter((file) => file.endsWith('.template.json'));
    expect(templates).toHaveLength(STACKS.length);
    // W3005 dislikes a DependsOn beside a reference: the CDK writes it so that a function waits for its role's policies.
    const arguments_ = ['--ignore-checks', 'W3005', '--', ...templates.map((file) => path.join(outdir, file))];
    expect(execFileSync(CFN_LINT, arguments_, { encoding: 'utf8' })).toBe('');
  });

  test('has no wildcard in a policy without a reason that is written down beside it', async () => {
    const unreasoned: string[] = [];
    let wildcards = 0;
    for (const [id, resource] of await resourcesOf(stage)) {
      const reasons = reasonsOf(resource);
      for (const finding of wildcardsOf(resource)) {
        wildcards += 1;
        const reason = reasons.get(`AwsSolutions-IAM5[${finding}]`) ?? '';
        if (reason.length < 40) unreasoned.push(`${id}: ${finding}`);
      }
    }
    expect(unreasoned).toEqual([]);
    // It looked at something: X-Ray alone gives one a function.
    expect(wildcards).toBeGreaterThan(20);
  });

  test('never allows all actions of a service, nor attaches a managed policy', async () => {
    for (const [id, resource] of await resourcesOf(stage)) {
      expect([id, resource.Properties?.ManagedPolicyArns]).toEqual([id, undefined]);
      for (const finding of wildcardsOf(resource)) {
        expect(`${id} ${finding}`).not.toMatch(/Action::/);
      }
    }
  });

  test('gives a reason of a sentence for each rule that is acknowledged', async () => {
    const { app } = await synthesise(stage);
    const reasons = app.node
      .findAll()
      .flatMap((node) => node.node.metadata)
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.values(data as Record<string, string>));
    expect(reasons.length).toBeGreaterThan(20);
    for (const reason of reasons) expect(reason).toMatch(/^\S.{38,}\.$/s);
  });

  test('keeps the logical ids of what holds data', async () => {
    const ids = [...(await resourcesOf(stage))].flatMap(([id, { Type }]) =>
      STATEFUL.has(Type) ? [`${Type} ${id}`] : [],
    );
    expect(ids.sort()).toMatchSnapshot();
  });

  test.each(STACKS)('%s is as reviewed', async (stack) => {
    const sections = async (of: StageName) => reviewed((await synthesise(of)).template(stack).toJSON());
    const text =
      stage === WHOLE
        ? wholeText(await sections(WHOLE))
        : differences(await sections(WHOLE), WHOLE, await sections(stage), stage);
    expect(text).toMatchSnapshot();
  });
});

test('cdk-nag and the wildcard test do find what nobody gave a reason for', async () => {
  const { synthesiseConfig } = await import('./synthesised.ts');
  const { loadStage } = await import('../../lib/config/stages.ts');
  const { app, stacks } = await synthesiseConfig(loadStage('dev'), TINY);
  const role = new Role(stacks.storage, 'TooMuch', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions: ['s3:*'], resources: ['*'] }));
  new CfnResource(stacks.storage, 'Plain', { type: 'AWS::SNS::Topic' });
  const rules = new AwsSolutionsChecks().validateScope(app).violations.map(({ ruleName }) => ruleName);
  expect(rules).toEqual(expect.arrayContaining(['AwsSolutions-IAM5[Action::s3:*]', 'AwsSolutions-IAM5[Resource::*]']));
});

interface Statement {
  readonly Effect: string;
  readonly Action?: unknown;
  readonly Resource?: unknown;
}

/** Findings of all allow statements for roles of ours, in cdk-nag's words. */
function wildcardsOf({ Type, Properties }: Resource): string[] {
  const documents =
    Type === 'AWS::IAM::Policy' || Type === 'AWS::IAM::ManagedPolicy'
      ? [Properties.PolicyDocument]
      : Type === 'AWS::IAM::Role'
        ? ((Properties.Policies as Array<{ PolicyDocument: unknown }> | undefined) ?? []).map(
            (inline) => inline.PolicyDocument,
          )
        : [];
  return documents
    .flatMap((document) => (document as { Statement: Statement[] }).Statement)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action, Resource }) => [
      ...[Action].flat().map((action) => `Action::${flatten(action)}`),
      ...[Resource].flat().map((resource) => `Resource::${flatten(resource)}`),
    ])
    .filter((finding) => finding.includes('*'));
}

function reasonsOf({ Metadata }: Resource): Map<string, string> {
  const audit = Metadata?.cdk_nag as { rules_to_suppress: Array<{ id: string; reason: string }> } | undefined;
  return new Map(audit?.rules_to_suppress.map(({ id, reason }) => [id, reason]));
}

test('the job that backfills a view version is deployed after the functions that keep it up', async () => {
  const { training, realtime } = (await synthesise('prod')).stacks;
  expect(training.dependencies).toContain(realtime);
});
