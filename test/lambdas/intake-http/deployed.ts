/** Functions of HTTP sources behind an HTTP API of the local cloud, as their stack deploys them but for the rest of it. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import { CreateStreamCommand, KinesisClient, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { buildSync } from 'esbuild';
import type { LocalCloud } from '../../../local/cloud.ts';
import { VENV_PYTHON } from '../../../setup/environment.mjs';
import doors from '../../fixtures/usecases/doors/index.ts';
import { ENVIRONMENT } from '../bundle.ts';

export const LAKE = 'lake';
export const STREAM = 'events';
const CODE = 'intake-http.zip';

/** The path of an address of the local cloud; under it come the paths of the API. */
export async function deploy(
  cloud: LocalCloud,
  folder: string,
  sources: Readonly<Record<string, string>>,
): Promise<string> {
  const [s3, kinesis, secrets] = [
    new S3Client(cloud.clientConfig),
    new KinesisClient(cloud.clientConfig),
    new SecretsManagerClient(cloud.clientConfig),
  ];
  await s3.send(new CreateBucketCommand({ Bucket: LAKE }));
  await s3.send(new PutObjectCommand({ Bucket: LAKE, Key: CODE, Body: packed(folder) }));
  await kinesis.send(new CreateStreamCommand({ StreamName: STREAM, ShardCount: 1 }));
  await waitUntilStreamExists({ client: kinesis, maxWaitTime: 30, minDelay: 1 }, { StreamName: STREAM });
  const arns: Record<string, string> = {};
  for (const [source, secret] of Object.entries(sources))
    arns[source] = (await secrets.send(new CreateSecretCommand({ Name: source, SecretString: secret }))).ARN!;
  for (const client of [s3, kinesis, secrets]) client.destroy();
  return `${cloud.endpoint}/_aws/execute-api/${await apiOf(cloud, arns)}/$default`;
}

/** As lib/foundation/function-code.ts bundles it. */
function packed(folder: string): Buffer {
  const bundle = join(folder, 'index.mjs');
  buildSync({
    entryPoints: ['lambdas/intake-http/handler.ts'],
    outfile: bundle,
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node20', mainFields: ['module', 'main'] },
    logLevel: 'silent',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  const document = join(folder, 'usecase.json');
  writeFileSync(document, JSON.stringify(doors));
  const zip = join(folder, CODE);
  execFileSync(VENV_PYTHON, ['-m', 'zipfile', '-c', zip, bundle, document]);
  return readFileSync(zip);
}

async function apiOf(cloud: LocalCloud, arns: Readonly<Record<string, string>>): Promise<string> {
  const client = new CloudFormationClient(cloud.clientConfig);
  const StackName = 'front-doors';
  const TemplateBody = JSON.stringify({
    Resources: {
      Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'intake', ProtocolType: 'HTTP' } },
      Stage: {
        Type: 'AWS::ApiGatewayV2::Stage',
        Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true },
      },
      ...Object.assign({}, ...Object.entries(arns).map(([source, arn]) => resourcesOf(cloud, source, arn))),
    },
    Outputs: { Api: { Value: { Ref: 'Api' } } },
  });
  await client.send(new CreateStackCommand({ StackName, TemplateBody, Capabilities: ['CAPABILITY_IAM'] }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60, minDelay: 1 }, { StackName });
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
  client.destroy();
  return Stacks![0]!.Outputs![0]!.OutputValue!;
}

function resourcesOf(cloud: LocalCloud, source: string, secret: string): object {
  const { region, account } = cloud;
  const id = source.replaceAll('_', '');
  const [fn, integration] = [`Function${id}`, `Integration${id}`];
  const path = `/v1/in/${source}${source === 'crm' ? '/{key}' : ''}`;
  const route = (method: string) => ({
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteKey: `${method} ${path}`,
      Target: { 'Fn::Sub': `integrations/\${${integration}}` },
    },
  });
  return {
    [`Role${id}`]: roleOf(cloud, secret),
    [fn]: functionOf(source, secret, `Role${id}`),
    [integration]: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: { Ref: 'Api' },
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: { 'Fn::GetAtt': [fn, 'Arn'] },
        PayloadFormatVersion: '2.0',
      },
    },
    [`Route${id}`]: route('POST'),
    ...(source === 'x' && { [`Ask${id}`]: route('GET') }),
    [`Let${id}`]: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        Action: 'lambda:InvokeFunction',
        FunctionName: { Ref: fn },
        Principal: 'apigateway.amazonaws.com',
        SourceArn: { 'Fn::Sub': `arn:aws:execute-api:${region}:${account}:\${Api}/*` },
      },
    },
  };
}

/** What the stack grants, and nothing else. */
function roleOf({ region, account }: LocalCloud, secret: string): object {
  const Version = '2012-10-17';
  const allow = (Action: string, Resource: string) => ({ Effect: 'Allow', Action, Resource });
  const Statement = [
    allow('kinesis:PutRecords', `arn:aws:kinesis:${region}:${account}:stream/${STREAM}`),
    allow('s3:PutObject', `arn:aws:s3:::${LAKE}/archive/quarantine/*`),
    allow('secretsmanager:GetSecretValue', secret),
  ];
  const assumed = [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: { Version, Statement: assumed },
      Policies: [{ PolicyName: 'intake', PolicyDocument: { Version, Statement } }],
    },
  };
}

function functionOf(source: string, secret: string, role: string): object {
  const Variables = {
    ...ENVIRONMENT,
    ...{ TIDEMARK_USE_CASE: 'doors', TIDEMARK_CLOCK: 'wall', SOURCE: source, CARRIAGE: 'http' },
    ...{ STREAM_NAME: STREAM, LAKE_BUCKET: LAKE, SECRET_ARN: secret },
  };
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: LAKE, S3Key: CODE },
      ...{ Handler: 'index.handler', Runtime: 'nodejs24.x', Timeout: 29, MemorySize: 512 },
      Role: { 'Fn::GetAtt': [role, 'Arn'] },
      Environment: { Variables },
    },
  };
}
