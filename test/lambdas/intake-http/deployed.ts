/** Functions of HTTP sources behind an HTTP API of the local cloud, as their stack deploys them but for the rest of it. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateStreamCommand, KinesisClient, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { buildSync } from 'esbuild';
import type { LocalCloud } from '../../../local/cloud.ts';
import { VENV_PYTHON } from '../../../setup/environment.mjs';
import { createStack } from '../../create-stack.ts';
import doors from '../../fixtures/usecases/doors/index.ts';
import { ENVIRONMENT } from '../bundle.ts';

export const LAKE = 'lake';
export const STREAM = 'events';
const CODE = 'intake-http.zip';

export interface Deployed {
  /** Under this address come the paths of the API. */
  readonly api: string;
  /** Name of the function of that source. */
  readonly billing: string;
}

/** @param sources the texts of their secrets, by their names */
export async function deploy(
  cloud: LocalCloud,
  folder: string,
  sources: Readonly<Record<string, string>>,
): Promise<Deployed> {
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
  const { api, billing } = await stackOf(cloud, arns);
  return { api: `${cloud.endpoint}/_aws/execute-api/${api}/$default`, billing };
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

async function stackOf(cloud: LocalCloud, arns: Readonly<Record<string, string>>): Promise<Deployed> {
  const client = new CloudFormationClient(cloud.clientConfig);
  const StackName = 'front-doors';
  const template = {
    Resources: {
      Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'intake', ProtocolType: 'HTTP' } },
      Stage: {
        Type: 'AWS::ApiGatewayV2::Stage',
        Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true },
      },
      ...Object.assign({}, ...Object.entries(arns).map(([source, arn]) => resourcesOf(cloud, source, arn))),
    },
    Outputs: { Api: { Value: { Ref: 'Api' } }, Billing: { Value: { Ref: 'Functionbilling' } } },
  };
  await createStack(client, StackName, template);
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
  client.destroy();
  const outputs = Object.fromEntries(
    Stacks![0]!.Outputs!.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue!]),
  );
  return { api: outputs.Api!, billing: outputs.Billing! };
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
    allow('s3:PutObject', `arn:aws:s3:::${LAKE}/reports/drift/*`),
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
