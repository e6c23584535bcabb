import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GlueClient } from '@aws-sdk/client-glue';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { LakeFormationClient } from '@aws-sdk/client-lakeformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { cloudEnvironment, type LocalCloud } from '../../local/cloud.ts';
import { assertLoopback } from '../../local/guard.ts';
import type { STAGES } from '../../names/deployments.ts';
import { CliError } from '../errors.ts';
import { readLocalState } from './local-state.ts';

export type Stage = (typeof STAGES)[number];

type ClientConfig = Partial<LocalCloud['clientConfig']>;

/** AWS clients of one stage; each is made when it is first asked for. */
export interface Clients {
  readonly cloudformation: CloudFormationClient;
  readonly cloudwatch: CloudWatchClient;
  readonly logs: CloudWatchLogsClient;
  readonly dynamodb: DynamoDBClient;
  readonly eventbridge: EventBridgeClient;
  readonly glue: GlueClient;
  readonly kinesis: KinesisClient;
  readonly lakeformation: LakeFormationClient;
  readonly lambda: LambdaClient;
  readonly quotas: ServiceQuotasClient;
  readonly s3: S3Client;
  readonly sagemaker: SageMakerClient;
  readonly secrets: SecretsManagerClient;
  readonly sfn: SFNClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly ssm: SSMClient;
  readonly sts: STSClient;
}

export interface Connection {
  readonly stage: Stage;
  readonly clients: Clients;
  /** Environment for child processes (cdk) of this stage. */
  readonly env: NodeJS.ProcessEnv;
}

/** Without an endpoint the clients find region and credentials the usual AWS way. */
function makeClients(config: ClientConfig): Clients {
  const made = new Map<string, unknown>();
  const lazily = <T>(name: string, make: () => T): T => {
    if (!made.has(name)) made.set(name, make());
    return made.get(name) as T;
  };
  return {
    get cloudformation() {
      return lazily('cloudformation', () => new CloudFormationClient(config));
    },
    get cloudwatch() {
      return lazily('cloudwatch', () => new CloudWatchClient(config));
    },
    get logs() {
      return lazily('logs', () => new CloudWatchLogsClient(config));
    },
    get dynamodb() {
      return lazily('dynamodb', () => new DynamoDBClient(config));
    },
    get eventbridge() {
      return lazily('eventbridge', () => new EventBridgeClient(config));
    },
    get glue() {
      return lazily('glue', () => new GlueClient(config));
    },
    // HTTP/1.1: this client's default, an HTTP/2 session, keeps a command alive for over a minute after its last answer.
    get kinesis() {
      return lazily('kinesis', () => new KinesisClient({ ...config, requestHandler: new NodeHttpHandler() }));
    },
    get lakeformation() {
      return lazily('lakeformation', () => new LakeFormationClient(config));
    },
    get lambda() {
      // A function that works for minutes must not be cut off and invoked again by the client.
      return lazily(
        'lambda',
        () => new LambdaClient({ ...config, requestHandler: { requestTimeout: 900_000 }, maxAttempts: 1 }),
      );
    },
    get quotas() {
      return lazily('quotas', () => new ServiceQuotasClient(config));
    },
    get s3() {
      return lazily('s3', () => new S3Client(config));
    },
    get sagemaker() {
      return lazily('sagemaker', () => new SageMakerClient(config));
    },
    get secrets() {
      return lazily('secrets', () => new SecretsManagerClient(config));
    },
    get sfn() {
      return lazily('sfn', () => new SFNClient(config));
    },
    get sns() {
      return lazily('sns', () => new SNSClient(config));
    },
    get sqs() {
      return lazily('sqs', () => new SQSClient(config));
    },
    get ssm() {
      return lazily('ssm', () => new SSMClient(config));
    },
    get sts() {
      return lazily('sts', () => new STSClient(config));
    },
  };
}

/**
 * A connection to a local cloud: one that this process started, or what was written down of another.
 * @throws NotLoopbackError when it would lead to another machine
 */
export function connectTo(cloud: Pick<LocalCloud, 'env' | 'clientConfig'>, stage: Stage = 'local'): Connection {
  assertLoopback(cloud.env);
  assertLoopback({ AWS_ENDPOINT_URL: cloud.clientConfig.endpoint });
  return { stage, clients: makeClients(cloud.clientConfig), env: cloudEnvironment(cloud) };
}

/**
 * A connection to a deployed stage: `local` is the cloud that `tidemark local start` runs, the others are AWS with the
 * caller's own credentials.
 * @throws CliError when the local cloud does not run
 */
export function connect(stage: Stage): Connection {
  if (stage !== 'local') return { stage, clients: makeClients({}), env: process.env };
  const state = readLocalState();
  if (!state) throw new CliError('The local cloud is not running: start it with `npx tidemark local start`.');
  return connectTo(state.cloud);
}
