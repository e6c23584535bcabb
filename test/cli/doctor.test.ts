import { type PrincipalPermissions, PutDataLakeSettingsCommand } from '@aws-sdk/client-lakeformation';
import { CreateBucketCommand, PutBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { examine, findingLines } from '../../cli/commands/doctor/command.ts';
import type { Finding } from '../../cli/commands/doctor/finding.ts';
import { needsOf, quotaFinding } from '../../cli/commands/doctor/quotas.ts';
import { languageFindings, nodeFinding, npmFinding } from '../../cli/commands/doctor/tools.ts';
import { setSlackSecret } from '../../cli/commands/webhook/secret.ts';
import { type Connection, connectTo } from '../../cli/stage/connection.ts';
import { dev } from '../../lib/config/dev.ts';
import { prod } from '../../lib/config/prod.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { findTools } from '../../setup/checks.mjs';
import { awsAnswer } from '../conformance/aws.ts';
import { stack } from './small-registry.ts';

const SECRET = 'https://hooks.slack.com/services/T0/B0/this-is-secret';

let cloud: LocalCloud;
let connection: Connection;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true, quotas: 'new-account' });
  connection = connectTo(cloud);
});

afterAll(() => cloud?.stop());

/** As production, whose needs a new account does not meet. */
async function look(): Promise<Map<string, Finding>> {
  const findings = await examine({ ...connection, stage: 'prod' });
  return new Map(findings.map((finding) => [finding.subject, finding]));
}

test('of a new account every line says what to do next', async () => {
  const found = await look();
  expect(found.get('Credentials')).toMatchObject({ state: 'ok', found: 'account 000000000000' });
  expect(found.get('CDK bootstrap')).toMatchObject({
    state: 'do',
    next: 'Run `npx cdk bootstrap aws://000000000000/us-east-1`.',
  });
  expect(found.get('Bootstrap bucket')?.state).toBe('do');
  expect(found.get('Lake Formation')?.state).toBe('ok');
  expect(found.get('Quota ml.m5.large for endpoint usage')).toMatchObject({
    state: 'do',
    found: '0, needed 4 (an update runs a new fleet beside the old one)',
    next: expect.stringContaining('request 4 for "ml.m5.large for endpoint usage"'),
  });
  expect(found.get('Quota ml.m5.xlarge for training job usage')?.state).toBe('do');
  expect(found.get('Quota Concurrent executions')).toMatchObject({
    state: 'do',
    found: expect.stringMatching(/^10, /),
  });
  expect(found.get('Slack webhook')?.state).toBe('note');
});

test('bootstrap: version and key are looked at', async () => {
  const { s3, ssm } = connection.clients;
  const Name = '/cdk-bootstrap/hnb659fds/version';
  const Bucket = 'cdk-hnb659fds-assets-000000000000-us-east-1';
  await ssm.send(new PutParameterCommand({ Name, Value: '5', Type: 'String' }));
  await s3.send(new CreateBucketCommand({ Bucket }));
  expect((await look()).get('CDK bootstrap')?.found).toBe('version 5; needed is 6');
  await ssm.send(new PutParameterCommand({ Name, Value: '30', Type: 'String', Overwrite: true }));
  let found = await look();
  expect(found.get('CDK bootstrap')).toMatchObject({ state: 'ok', found: 'version 30' });
  expect(found.get('Bootstrap bucket')?.state).toBe('ok');
  const rule = (KMSMasterKeyID: string) => ({
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID },
  });
  const KMSMasterKeyID = 'arn:aws:kms:us-east-1:000000000000:key/0a0b0c0d-0000-4000-8000-000000000000';
  await s3.send(
    new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule(KMSMasterKeyID)] } }),
  );
  found = await look();
  expect(found.get('Bootstrap bucket')).toMatchObject({
    state: 'note',
    next: expect.stringContaining('kms:ViaService'),
  });
});

test('Lake Formation: what is not left to IAM is named', async () => {
  const { lakeformation } = connection.clients;
  const DataLakeSettings = {
    CreateDatabaseDefaultPermissions: awsAnswer<PrincipalPermissions[]>('lakeformation.only-iam'),
    CreateTableDefaultPermissions: [],
  };
  await lakeformation.send(new PutDataLakeSettingsCommand({ DataLakeSettings }));
  expect((await look()).get('Lake Formation')).toMatchObject({
    state: 'do',
    found: 'new tables do not use IAM access control',
  });
});

test('the webhook is asked for after the deployment, and is never shown', async () => {
  const { secrets, cloudformation } = connection.clients;
  const { ARN = '' } = await secrets.send(
    new CreateSecretCommand({ Name: 'webhook', SecretString: JSON.stringify({ url: '', placeholder: 'x7' }) }),
  );
  const topic = { Topic: { Type: 'AWS::SNS::Topic' } };
  await stack({ cloudformation }, 'tidemark-prod-demo-storage', topic, { SlackSecretArn: ARN });
  expect((await look()).get('Slack webhook of demo')).toMatchObject({
    state: 'do',
    next: 'Alerts reach nobody: `npx tidemark webhook --stage prod --usecase demo`.',
  });
  await setSlackSecret(secrets, ARN, { url: SECRET });
  const findings = await examine({ ...connection, stage: 'prod' });
  expect(findings.find(({ subject }) => subject === 'Slack webhook of demo')?.state).toBe('ok');
  expect(findingLines(findings)).not.toContain('this-is-secret');
});

test('a check that may not be made is something to do, not a pass', async () => {
  const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
  const clients = new Proxy(connection.clients, {
    get: (all, name: keyof Connection['clients']) =>
      name === 'lakeformation' ? { send: () => Promise.reject(denied) } : all[name],
  });
  const findings = await examine({ ...connection, clients, stage: 'prod' });
  expect(findings.find(({ subject }) => subject === 'Lake Formation')).toMatchObject({
    state: 'do',
    found: 'could not be read (AccessDeniedException: no)',
    next: expect.stringContaining('lakeformation:GetDataLakeSettings'),
  });
});

test('needs follow the configuration', () => {
  expect(needsOf(prod).map(({ quota, count }) => [quota, count])).toEqual([
    ['ml.m5.large for endpoint usage', 4],
    ['ml.m5.xlarge for training job usage', 1],
    ['Concurrent executions', 50],
  ]);
  expect(needsOf(dev).map(({ count }) => count)).toEqual([2, 1, 20]);
  const [need] = needsOf(prod);
  if (!need) throw new Error('no need');
  expect(quotaFinding(need, 4).state).toBe('ok');
  expect(quotaFinding(need, 3).state).toBe('do');
  expect(quotaFinding(need, undefined).state).toBe('do');
});

test('tools: the versions that are needed', () => {
  expect(['20.11.0', '22.1.0', '24.0.0'].map((version) => nodeFinding(version).state)).toEqual(['ok', 'ok', 'ok']);
  expect(['18.20.0', '20.10.1'].map((version) => nodeFinding(version).state)).toEqual(['do', 'do']);
  expect([npmFinding('10.8.2').state, npmFinding('9.9.0').state, npmFinding(undefined).state]).toEqual([
    'ok',
    'do',
    'do',
  ]);
  const none = { python: () => undefined, java: () => undefined, javaHomes: () => [] };
  expect(languageFindings(findTools(none as never))).toMatchObject([{ subject: 'Python', state: 'do' }]);
});
