/** A deployment of the least that the commands about models need, in a local cloud: stacks with outputs, registry, machine, bucket. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  CreateModelPackageCommand,
} from '@aws-sdk/client-sagemaker';
import { CreateStateMachineCommand } from '@aws-sdk/client-sfn';
import type { Connection } from '../../cli/stage/connection.ts';
import { runStateMachine } from '../../cli/stage/jobs.ts';
import { writeSourceArchive } from '../../lib/training/source-archive.ts';
import type { LocalCloud } from '../../local/cloud.ts';
import { createStack } from '../create-stack.ts';

const BUCKET = 'small-registry';
const SCRIPT = `
def model_fn(folder):
    return None
def input_fn(body, kind):
    return body
def predict_fn(data, model):
    return data
def output_fn(answer, accept):
    return '{}', 'application/json'
`;
const IMAGE = '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5';

/** What the tests do to one deployment, `tidemark-local-<name>`. */
export class SmallRegistry {
  readonly deployment: string;
  readonly machine: string;
  readonly #connection: Connection;
  readonly #role: string;

  private constructor(connection: Connection, role: string, machine: string, deployment: string) {
    this.deployment = deployment;
    this.machine = machine;
    this.#connection = connection;
    this.#role = role;
  }

  static async make(cloud: LocalCloud, connection: Connection, name: string): Promise<SmallRegistry> {
    const { clients } = connection;
    const deployment = `tidemark-local-${name}`;
    const sagemaker = await role(cloud, `${name}-sagemaker`, 'sagemaker.amazonaws.com');
    const states = await role(cloud, `${name}-states`, 'states.amazonaws.com');
    const bucket = `${BUCKET}-${name}`;
    await stack(clients, `${deployment}-storage`, storage(deployment, bucket), {
      ModelPackageGroupName: deployment,
      LakeBucketName: bucket,
    });
    await clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'model.tar.gz', Body: await modelArchive() }));
    const { stateMachineArn = '' } = await clients.sfn.send(
      new CreateStateMachineCommand({
        name: deployment,
        roleArn: states,
        definition: JSON.stringify(served(deployment)),
      }),
    );
    await stack(
      clients,
      `${deployment}-training`,
      { Quiet: quietAlarm(`local/${name}/Quiet`) },
      { TrainingStateMachineArn: stateMachineArn, EndpointName: deployment },
    );
    return new SmallRegistry(connection, sagemaker, stateMachineArn, deployment);
  }

  /** A new version. @returns the ARN of its package */
  async register(
    approval: 'Approved' | 'PendingManualApproval',
    metadata: Record<string, string> = { auc: '0.8000' },
  ): Promise<string> {
    const { ModelPackageArn = '' } = await this.#connection.clients.sagemaker.send(
      new CreateModelPackageCommand({
        ModelPackageGroupName: this.deployment,
        ModelApprovalStatus: approval,
        CustomerMetadataProperties: metadata,
        InferenceSpecification: {
          Containers: [
            {
              Image: IMAGE,
              ModelDataUrl: `s3://${BUCKET}-${this.deployment.replace('tidemark-local-', '')}/model.tar.gz`,
              Environment: { SAGEMAKER_PROGRAM: 'inference.py', SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code' },
            },
          ],
          SupportedContentTypes: ['application/json'],
          SupportedResponseMIMETypes: ['application/json'],
        },
      }),
    );
    return ModelPackageArn;
  }

  /** Model and endpoint configuration of a version, as the training machine makes them. @returns their name */
  async configure(arn: string, run: string): Promise<string> {
    const { sagemaker } = this.#connection.clients;
    const name = `${this.deployment}-${run}`;
    await sagemaker.send(
      new CreateModelCommand({
        ModelName: name,
        ExecutionRoleArn: this.#role,
        PrimaryContainer: { ModelPackageName: arn },
      }),
    );
    await sagemaker.send(
      new CreateEndpointConfigCommand({
        EndpointConfigName: name,
        ProductionVariants: [
          {
            ...{ VariantName: 'champion', ModelName: name, InstanceType: 'ml.m5.large' },
            ...{ InitialInstanceCount: 1, InitialVariantWeight: 1 },
          },
        ],
      }),
    );
    return name;
  }

  /** Configuration of an experiment of two models that have one each. @returns its name */
  async configureBoth(champion: string, challenger: string): Promise<string> {
    const variant = (VariantName: string, ModelName: string, InitialVariantWeight: number) => ({
      ...{ VariantName, ModelName, InitialVariantWeight },
      ...{ InstanceType: 'ml.m5.large' as const, InitialInstanceCount: 1 },
    });
    const EndpointConfigName = `${challenger}-x`;
    await this.#connection.clients.sagemaker.send(
      new CreateEndpointConfigCommand({
        EndpointConfigName,
        ProductionVariants: [variant('champion', champion, 1), variant('challenger', challenger, 0)],
      }),
    );
    return EndpointConfigName;
  }

  async createEndpoint(config: string): Promise<void> {
    await this.#connection.clients.sagemaker.send(
      new CreateEndpointCommand({ EndpointName: this.deployment, EndpointConfigName: config }),
    );
  }

  /** An execution that says it brought a version into service. */
  async noteServed(arn: string): Promise<void> {
    await runStateMachine(this.#connection.clients.sfn, this.machine, { model_package_arn: arn });
  }
}

/** A versioned bucket and the registry go with their stack; the table stays. */
function storage(ModelPackageGroupName: string, BucketName: string) {
  return {
    Lake: {
      Type: 'AWS::S3::Bucket',
      Properties: { BucketName, VersioningConfiguration: { Status: 'Enabled' } },
    },
    Group: { Type: 'AWS::SageMaker::ModelPackageGroup', Properties: { ModelPackageGroupName } },
    Kept: { Type: 'AWS::SNS::Topic', DeletionPolicy: 'RetainExceptOnCreate' },
  };
}

const quietAlarm = (AlarmName: string) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    ...{ AlarmName, Namespace: 'Tidemark', MetricName: 'Quiet', Statistic: 'Sum', Period: 60, EvaluationPeriods: 1 },
    ...{ Threshold: 1, ComparisonOperator: 'GreaterThanThreshold' },
  },
});

/** Made and in place. */
export async function stack(
  { cloudformation }: Pick<Connection['clients'], 'cloudformation'>,
  StackName: string,
  Resources: object,
  outputs: Readonly<Record<string, string>>,
): Promise<void> {
  const Outputs = Object.fromEntries(Object.entries(outputs).map(([key, Value]) => [key, { Value }]));
  await createStack(cloudformation, StackName, { Resources, Outputs });
}

function served(endpoint: string) {
  return {
    QueryLanguage: 'JSONata',
    StartAt: 'Deployed',
    States: {
      Deployed: {
        Type: 'Succeed',
        Output: `{% $merge([$states.input, {'endpoint_name': '${endpoint}'}]) %}`,
      },
    },
  };
}

async function role(cloud: LocalCloud, RoleName: string, Service: string): Promise<string> {
  const iam = new IAMClient(cloud.clientConfig);
  const statement = (rest: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...rest }] });
  try {
    const { Role } = await iam.send(
      new CreateRoleCommand({
        RoleName,
        AssumeRolePolicyDocument: statement({ Principal: { Service }, Action: 'sts:AssumeRole' }),
      }),
    );
    const Action = ['s3:GetObject', 'logs:*', 'states:StartExecution', 'cloudwatch:DescribeAlarms'];
    const PolicyDocument = statement({ Action, Resource: '*' });
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'own', PolicyDocument }));
    return Role?.Arn ?? '';
  } finally {
    iam.destroy();
  }
}

async function modelArchive(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-model-'));
  try {
    mkdirSync(join(folder, 'model', 'code'), { recursive: true });
    writeFileSync(join(folder, 'model', 'code', 'inference.py'), SCRIPT);
    return readFileSync(await writeSourceArchive(join(folder, 'model'), join(folder, 'model.tar.gz')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
