/** What a real account does with logs, old versions and the bootstrap's key, and no template check can see. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PREFIX } from '../../names/lake.ts';
import { awsAnswer } from '../conformance/aws.ts';
import { STAGES } from './synthesised.ts';
import { list, Templates } from './templates.ts';

interface Rule {
  readonly Prefix?: string;
  readonly ExpirationInDays?: number;
  readonly NoncurrentVersionExpiration?: { readonly NoncurrentDays: number };
}

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

describe.each(STAGES)('in an account, stage %s', (stage) => {
  test('loses no metric to the log level: lines without a level count as INFO', async () => {
    const functions = (await Templates.of(stage)).all('AWS::Lambda::Function');
    expect(functions.length).toBeGreaterThan(6);
    const unlevelled = LEVELS.indexOf(awsAnswer<string>('lambda.level-of-a-line-without-one'));
    for (const { id, properties } of functions) {
      const { LogFormat, ApplicationLogLevel } = properties.LoggingConfig as Record<string, string>;
      expect([id, LogFormat, LEVELS.indexOf(ApplicationLogLevel ?? '') <= unlevelled]).toEqual([id, 'JSON', true]);
    }
  });

  test('needs no room in the resource policy of log delivery', async () => {
    const templates = await Templates.of(stage);
    const groups = [
      ...templates.all('AWS::ApiGatewayV2::Stage').map(({ stack, properties }) => ({
        stack,
        reference: (properties.AccessLogSettings as { DestinationArn: unknown }).DestinationArn,
      })),
      ...templates.all('AWS::StepFunctions::StateMachine').flatMap(({ stack, properties }) =>
        (
          list((properties.LoggingConfiguration as { Destinations: unknown }).Destinations) as Array<{
            CloudWatchLogsLogGroup: { LogGroupArn: unknown };
          }>
        ).map(({ CloudWatchLogsLogGroup }) => ({ stack, reference: CloudWatchLogsLogGroup.LogGroupArn })),
      ),
    ].map(({ stack, reference }) => ({ stack, group: templates.target(stack, groupOf(reference)) }));
    expect(groups).toHaveLength(4);
    for (const { stack, group } of groups) {
      const name = JSON.stringify(group?.properties.LogGroupName);
      expect(name).toContain(awsAnswer<string>('logs.delivery-without-policy'));
      // Unlike a fixed name, it is new with each creation of the stack.
      expect(name).toContain('AWS::StackId');
      expect(stack).toBe(group?.stack);
    }
  });

  test('keeps what expires no longer than a day as an old version', async () => {
    const templates = await Templates.of(stage);
    const rules = templates
      .all('AWS::S3::Bucket')
      .flatMap(({ properties }) => (properties.LifecycleConfiguration as { Rules: Rule[] } | undefined)?.Rules ?? [])
      .filter(({ Prefix, ExpirationInDays }) => Prefix !== undefined && ExpirationInDays !== undefined);
    const { history, events, gaps, models, serving, mlflow, warehouse, tombstones, ...aged } = PREFIX;
    expect(rules.map(({ Prefix }) => Prefix).sort()).toEqual(Object.values(aged).sort());
    for (const { Prefix, NoncurrentVersionExpiration } of rules) {
      expect([Prefix, NoncurrentVersionExpiration?.NoncurrentDays]).toEqual([Prefix, 1]);
    }
  });
});

/** The reference to a log group in an ARN that the CDK put together. */
function groupOf(reference: unknown): unknown {
  const parts = JSON.stringify(reference).match(/\{"(?:Ref|Fn::GetAtt)":(?:"[^"]+"|\["[^"]+","[^"]+"\])\}/g) ?? [];
  const found = parts.map((part) => JSON.parse(part) as object).find((part) => !JSON.stringify(part).includes('AWS::'));
  return found;
}

test('jobs and training read their code also from a bootstrap bucket with a customer key', async () => {
  // Their roles have no grant on that key: its own policy lets the account use it through S3.
  const cli = dirname(createRequire(import.meta.url).resolve('aws-cdk/package.json'));
  const template = readFileSync(join(cli, 'lib/api/bootstrap/bootstrap-template.yaml'), 'utf8');
  const [, key = ''] = /\n {2}FileAssetsBucketEncryptionKey:\n(.*?)\n {2}\w/s.exec(template) ?? [];
  const statement = key.split(/\n {10}- /).find((each) => each.includes('AWS: "*"')) ?? '';
  expect(statement).toContain('- kms:Decrypt');
  expect(statement).toContain('Effect: Allow');
  expect(statement).toMatch(/kms:CallerAccount:\s+Ref: AWS::AccountId/);
  expect(statement).toMatch(/kms:ViaService:\s+- Fn::Sub: s3\.\$\{AWS::Region\}\.amazonaws\.com/);
});
