/** Endpoints of the local cloud whose models are stand-ins: they decide by their manifest only. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DescribeEndpointCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { writeSourceArchive } from '../../lib/training/source-archive.ts';
import type { LocalCloud } from '../../local/cloud.ts';

const ROLE = 'arn:aws:iam::000000000000:role/hosting';

/** What inference.py answers, and no more: a response for a refusal, an exception for a fault. */
const SCRIPT = `
import json, time
from flask import Response
def model_fn(model_dir):
    with open(model_dir + "/manifest.json") as file:
        return json.load(file)
def transform_fn(model, body, content_type, accept):
    if model["does"] == "fail":
        raise RuntimeError("the model is broken")
    if model["does"] == "hang":
        time.sleep(30)
    request = json.loads(body)
    told = {"definition_hash": model["definition_hash"], "model_version": model["does"]}
    if request["definition_hash"] != model["definition_hash"]:
        return Response(json.dumps({"error": "another definition", **told}), status=409, mimetype="application/json")
    one = {"score": 0.9, "contributions": [0.1, 1.0], "bias": 0.0}
    answer = {"predictions": [one] * len(request["instances"]), **told}
    return Response(json.dumps(answer), mimetype="application/json")
`;

export interface Model {
  readonly does: 'score' | 'fail' | 'hang';
  readonly definition_hash: string;
  /** @default - fleet0, fleet1 … */
  readonly variant?: string;
}

export class Endpoints {
  private readonly iam: IAMClient;
  private readonly sagemaker: SageMakerClient;
  private readonly s3: S3Client;
  private readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-models-'));
  private readonly bucket: string;
  private configs = 0;

  /** @param bucket that there is, for the models */
  constructor(cloud: LocalCloud, bucket: string) {
    this.bucket = bucket;
    this.iam = new IAMClient(cloud.clientConfig);
    this.sagemaker = new SageMakerClient(cloud.clientConfig);
    this.s3 = new S3Client(cloud.clientConfig);
  }

  /** The role that the containers run under. */
  async makeRole(): Promise<void> {
    const trust = { Effect: 'Allow', Principal: { Service: 'sagemaker.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const grants = { Effect: 'Allow', Action: ['s3:GetObject', 'logs:*'], Resource: '*' };
    const policy = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await this.iam.send(new CreateRoleCommand({ RoleName: 'hosting', AssumeRolePolicyDocument: policy(trust) }));
    await this.iam.send(
      new PutRolePolicyCommand({ RoleName: 'hosting', PolicyName: 'grants', PolicyDocument: policy(grants) }),
    );
  }

  /** An endpoint with one fleet a model, each with the same share of the requests: as a canary, but for as long as we like. */
  async serve(endpoint: string, ...models: readonly Model[]): Promise<void> {
    const id = `c${this.configs++}`;
    const variants = await Promise.all(
      models.map(async (model, i) => {
        const name = `${id}-${i}`;
        const source = join(this.folder, name);
        mkdirSync(join(source, 'code'), { recursive: true });
        writeFileSync(join(source, 'code', 'inference.py'), SCRIPT);
        writeFileSync(join(source, 'manifest.json'), JSON.stringify(model));
        const Body = readFileSync(await writeSourceArchive(source, join(this.folder, `${name}.tar.gz`)));
        await this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key: `models/${name}.tar.gz`, Body }));
        const PrimaryContainer = {
          Image: 'sagemaker-xgboost:3.2-0',
          ModelDataUrl: `s3://${this.bucket}/models/${name}.tar.gz`,
          Environment: { SAGEMAKER_PROGRAM: 'inference.py', SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code' },
        };
        await this.sagemaker.send(
          new CreateModelCommand({ ModelName: name, ExecutionRoleArn: ROLE, PrimaryContainer }),
        );
        const shape = { InstanceType: 'ml.m5.large', InitialInstanceCount: 1, InitialVariantWeight: 1 } as const;
        return { VariantName: model.variant ?? `fleet${i}`, ModelName: name, ...shape };
      }),
    );
    await this.sagemaker.send(
      new CreateEndpointConfigCommand({ EndpointConfigName: id, ProductionVariants: variants }),
    );
    const names = { EndpointName: endpoint, EndpointConfigName: id };
    if (await this.status(endpoint)) await this.sagemaker.send(new UpdateEndpointCommand(names));
    else await this.sagemaker.send(new CreateEndpointCommand(names));
    for (;;) {
      const now = await this.status(endpoint);
      if (now === 'InService') return;
      if (now !== 'Creating' && now !== 'Updating') throw new Error(`endpoint: ${now}`);
      await sleep(100);
    }
  }

  private async status(endpoint: string): Promise<string | undefined> {
    return this.sagemaker.send(new DescribeEndpointCommand({ EndpointName: endpoint })).then(
      (answer) => answer.EndpointStatus,
      () => undefined,
    );
  }

  async remove(endpoint: string): Promise<void> {
    await this.sagemaker.send(new DeleteEndpointCommand({ EndpointName: endpoint }));
    while (await this.status(endpoint)) await sleep(100);
  }

  close(): void {
    for (const client of [this.iam, this.s3, this.sagemaker]) client.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
