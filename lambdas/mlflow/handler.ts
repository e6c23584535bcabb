import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { requireModel } from '../../core/ir/parts.ts';
import { MlflowClient } from '../../engine/mlflow/client.ts';
import { persistently } from '../../engine/mlflow/persistently.ts';
import { type Recorder, recordRun, recordServing } from '../../engine/mlflow/record.ts';
import { transportOf } from '../../engine/mlflow/transport.ts';
import { METRIC } from '../../names/metrics.ts';
import { filesIn } from '../aws/archive.ts';
import { readEnvironment } from '../aws/environment.ts';
import { patient } from '../aws/patience.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadUseCase } from '../aws/use-case.ts';
import { bySecret, bySignature } from './access.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const { ir } = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env);
const s3 = new S3Client(patient());
const url = new URL(env.MLFLOW_URL || process.env.AWS_ENDPOINT_URL!);
const authorise =
  env.MLFLOW_APP_ARN === ''
    ? bySecret(new SecretsManagerClient(patient()), env.MLFLOW_SECRET_ARN)
    : bySignature(() => s3.config.credentials(), process.env.AWS_REGION!, env.MLFLOW_APP_ARN);

/** Less than the function's time, so that a server that hangs is told as one, and counted. */
const DEADLINE_MS = 45_000;
/** A card and plots have less than a hundredth of it. */
const MOST_BYTES = 64 * 1024 * 1024;

/** As the state machine writes down what serves. */
const packaged = z.object({
  package_arn: z.string(),
  model_data_url: z.string(),
  model_sha256: z.string().nullable(),
});
const inputSchema = z.discriminatedUnion('step', [
  z.object({
    step: z.literal('run'),
    training_job_name: z.string(),
    training_set_id: z.string(),
    model_package_arn: z.string().nullable(),
    model_data_url: z.string(),
    output_data_url: z.string(),
    gate: z.object({
      passed: z.boolean(),
      reasons: z.array(z.string()),
      metadata: z.record(z.string(), z.string()),
    }),
  }),
  z.object({
    step: z.literal('serving'),
    packages: z.object({ champion: packaged, challenger: packaged.optional() }),
  }),
]);

/** Tells MLflow of a training, or of what serves. The state machine goes on whatever becomes of it. */
export async function handler(event: unknown): Promise<{ readonly recorded: true }> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    const asked = inputSchema.parse(event);
    const recorder = recorderBy(deadline);
    const files = asked.step === 'run' ? await outputOf(asked.output_data_url) : new Map<string, Buffer>();
    await persistently(deadline, () =>
      asked.step === 'run' ? recordRun(recorder, { ...asked, files }) : recordServing(recorder, asked.packages),
    );
    telemetry.info(asked.step, { files: files.size });
    return { recorded: true };
  } catch (error) {
    telemetry.count(METRIC.mlflowFailed);
    telemetry.error('MLflow was not told', error);
    throw error;
  } finally {
    telemetry.flush();
  }
}

function recorderBy(deadline: AbortSignal): Recorder {
  return {
    client: new MlflowClient(transportOf({ url, authorise, timeoutMs: 10_000, deadline })),
    name: env.MLFLOW_NAME,
    model: requireModel(ir).model,
    store: async (uri, body) => {
      await s3.send(new PutObjectCommand({ ...placeOf(uri), Body: body }), { abortSignal: deadline });
    },
    now: Date.now,
  };
}

async function outputOf(uri: string): Promise<Map<string, Buffer>> {
  const { Body } = await s3.send(new GetObjectCommand(placeOf(uri)));
  return filesIn(await Body!.transformToByteArray(), MOST_BYTES);
}

/** @throws Error when it is no object of the lake */
function placeOf(uri: string): { Bucket: string; Key: string } {
  const prefix = `s3://${env.LAKE_BUCKET}/`;
  if (!uri.startsWith(prefix)) throw new Error('uri: found another place; allowed: objects of the lake bucket');
  return { Bucket: env.LAKE_BUCKET, Key: uri.slice(prefix.length) };
}
