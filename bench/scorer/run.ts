/** Part `scorer`: the same rows by the model in this process and by an endpoint of the local cloud, in turn. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DescribeEndpointCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import type { Endpoint, ModelRows } from '../../engine/ports.ts';
import { runtimeClient, SageMakerEndpoint } from '../../lambdas/aws/endpoint.ts';
import { InProcessEndpoint, InProcessLake, InProcessModels } from '../../lambdas/aws/in-process.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { objectKey, PREFIX } from '../../names/lake.ts';
import { outputOf, ROOT } from '../node-process.ts';
import { randomFrom } from '../random.ts';
import { type Row, row } from '../rows.ts';
import { percentile } from '../sources/percentile.ts';

const HASH = 'ab'.repeat(32);
const BUCKET = 'lake';
const KEY = `${PREFIX.models}bench/model.tar.gz`;
const NAME = 'bench';
const INPUTS = 30;
/** Rows of a request, and how many requests of each kind are timed. */
const REQUESTS: readonly (readonly [rows: number, requests: number])[] = [
  [1, 400],
  [100, 60],
];
const WARM_UP = 20;

/** Figures of a laptop, whose container answers over loopback; on AWS a network lies between, and a function has fewer cores. */
export async function scorerRows(say: (text: string) => void): Promise<Row[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-scorer-'));
  say('a model of 200 trees of depth 4 over 30 inputs');
  const archive = path.join(folder, 'model.tar.gz');
  const python = path.join(ROOT, '.venv', 'bin', 'python');
  const said = await outputOf(python, [path.join(ROOT, 'bench/scorer/model.py'), archive, HASH], say);
  const cloud = await startLocalCloud({ quiet: true });
  try {
    say('an endpoint that serves it');
    await deploy(cloud, readFileSync(archive), said.trim());
    const s3 = new S3Client(cloud.clientConfig);
    const models = new InProcessModels(new InProcessLake(s3, { bucket: BUCKET, use_case: NAME }), say as () => void);
    const ways = {
      inProcess: new InProcessEndpoint(models, HASH),
      endpoint: new SageMakerEndpoint(runtimeClient(cloud.clientConfig), NAME, HASH, 0),
    };
    await requireEqual(ways);
    const found: Row[] = [];
    for (const [rows, requests] of REQUESTS) {
      say(`${requests} requests of ${rows}`);
      found.push(...(await timed(ways, rows, requests)));
    }
    s3.destroy();
    return found;
  } finally {
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Ways = Readonly<Record<'inProcess' | 'endpoint', Endpoint>>;

const random = randomFrom(7);
const rowsOf = (count: number): ModelRows =>
  Array.from({ length: count }, () =>
    Array.from({ length: INPUTS }, () => (random() < 0.1 ? null : -Math.log(random()))),
  );

/** @throws Error when both do not give the same scores: then a comparison of their times says nothing */
async function requireEqual({ inProcess, endpoint }: Ways): Promise<void> {
  const rows = rowsOf(200);
  const [own, other] = [await inProcess.score(rows), await endpoint.score(rows)];
  const apart = Math.max(...own.scores.map(({ score }, i) => Math.abs(score - other.scores[i]!.score)));
  if (!(apart <= 1e-6)) throw new Error(`scores: found ${apart} apart; allowed: up to 1e-6`);
}

/** Each request by both ways, the first now this one and now that. */
async function timed(ways: Ways, rows: number, requests: number): Promise<Row[]> {
  const took: Record<keyof Ways, number[]> = { inProcess: [], endpoint: [] };
  const names = ['inProcess', 'endpoint'] as const;
  for (let i = -WARM_UP; i < requests; i++) {
    const asked = rowsOf(rows);
    for (const name of i % 2 === 0 ? names : names.toReversed()) {
      const from = performance.now();
      await ways[name].score(asked);
      if (i >= 0) took[name].push(performance.now() - from);
    }
  }
  return ([0.5, 0.99] as const).map((q) =>
    row(
      `scorer: ${rows} ${rows === 1 ? 'row' : 'rows'} in process, p${q * 100}`,
      percentile(took.inProcess, q),
      'ms',
      null,
      {
        'endpoint of the local cloud': percentile(took.endpoint, q),
      },
    ),
  );
}

async function deploy({ clientConfig }: LocalCloud, archive: Buffer, model_sha256: string): Promise<void> {
  const [iam, s3, sagemaker] = [
    new IAMClient(clientConfig),
    new S3Client(clientConfig),
    new SageMakerClient(clientConfig),
  ];
  const policy = (one: object) => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...one }] });
  const trust = policy({ Principal: { Service: 'sagemaker.amazonaws.com' }, Action: 'sts:AssumeRole' });
  const grants = policy({ Action: ['s3:GetObject', 'logs:*'], Resource: '*' });
  const role = { RoleName: 'bench', AssumeRolePolicyDocument: trust };
  const made = await iam.send(new CreateRoleCommand(role));
  await iam.send(new PutRolePolicyCommand({ RoleName: 'bench', PolicyName: 'grants', PolicyDocument: grants }));
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: KEY, Body: archive }));
  const model_data_url = `s3://${BUCKET}/${KEY}`;
  const champion = { package_arn: NAME, model_data_url, model_sha256, model_version: NAME };
  const Body = JSON.stringify({ packages: { champion }, deployed_at: new Date().toISOString() });
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: objectKey('serving', { usecase: NAME }), Body }));
  const Environment = { SAGEMAKER_PROGRAM: 'inference.py', SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code' };
  const container = { Image: 'sagemaker-xgboost:3.2-0', ModelDataUrl: model_data_url, Environment };
  const ExecutionRoleArn = made.Role!.Arn!;
  await sagemaker.send(new CreateModelCommand({ ModelName: NAME, ExecutionRoleArn, PrimaryContainer: container }));
  const shape = { InstanceType: 'ml.m5.large', InitialInstanceCount: 1, InitialVariantWeight: 1 } as const;
  const ProductionVariants = [{ VariantName: 'champion', ModelName: NAME, ...shape }];
  await sagemaker.send(new CreateEndpointConfigCommand({ EndpointConfigName: NAME, ProductionVariants }));
  await sagemaker.send(new CreateEndpointCommand({ EndpointName: NAME, EndpointConfigName: NAME }));
  for (;;) {
    const { EndpointStatus } = await sagemaker.send(new DescribeEndpointCommand({ EndpointName: NAME }));
    if (EndpointStatus === 'InService') break;
    if (EndpointStatus !== 'Creating') throw new Error(`endpoint: found ${EndpointStatus}; allowed: InService`);
    await sleep(200);
  }
  for (const client of [iam, s3, sagemaker]) client.destroy();
}
