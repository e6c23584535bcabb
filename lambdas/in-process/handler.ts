import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { ScoreRefusedError } from '../../engine/ports.ts';
import { nextPackages, ServingRefusedError } from '../../engine/score/serving-record.ts';
import { objectKey } from '../../names/lake.ts';
import type { ServingDocument } from '../../names/serving.ts';
import { readEnvironment } from '../aws/environment.ts';
import { InProcessLake } from '../aws/in-process.ts';
import { patient } from '../aws/patience.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadVersions } from '../aws/use-case.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const definitions = loadVersions(import.meta.dirname).map(({ view }) => view.definition_hash);
const s3 = new S3Client(patient());
const key = objectKey('serving', { usecase: env.TIDEMARK_USE_CASE });
const lake = new InProcessLake(s3, { bucket: env.LAKE_BUCKET, use_case: env.TIDEMARK_USE_CASE });

const model = { model_package_arn: z.string(), model_data_url: z.string(), model_sha256: z.string() };
const inputSchema = z.discriminatedUnion('wanted', [
  z.object({ wanted: z.enum(['champion', 'challenger']), ...model }),
  z.object({ wanted: z.literal('one') }),
]);

export interface Deployed {
  /** Why nothing was changed; empty: it serves. */
  readonly refusal: string;
  readonly packages: ServingDocument['packages'] | null;
}

/**
 * Where a stage has no endpoint: loads an approved model as the functions will, asks it, and writes down that it serves. What
 * can't be loaded is refused here, while the one before goes on.
 */
export async function handler(event: unknown): Promise<Deployed> {
  const input = inputSchema.parse(event);
  try {
    const packages = nextPackages(
      await lake.serving(),
      input.wanted,
      input.wanted === 'one' ? null : await tried(input),
    );
    const document: ServingDocument = { packages, deployed_at: new Date().toISOString() };
    await s3.send(
      new PutObjectCommand({
        ...{ Bucket: env.LAKE_BUCKET, Key: key, Body: JSON.stringify(document), ContentType: 'application/json' },
      }),
    );
    telemetry.info('serves', { wanted: input.wanted, model_version: packages.champion.model_version });
    return { refusal: '', packages };
  } catch (error) {
    if (!(error instanceof ServingRefusedError || error instanceof ScoreRefusedError)) throw error;
    telemetry.warn('refused', { because: error.message });
    return { refusal: error.message, packages: null };
  } finally {
    telemetry.flush();
  }
}

/** @throws ScoreRefusedError when it can't be loaded, ServingRefusedError when it would refuse or fail whoever asks */
async function tried(input: z.infer<z.ZodObject<typeof model>>) {
  const { model_package_arn: package_arn, model_data_url, model_sha256 } = input;
  const loaded = await lake.model({ model_data_url, model_sha256 });
  if (!definitions.includes(loaded.definition_hash))
    throw new ServingRefusedError(
      `The model was trained on ${loaded.definition_hash.slice(0, 12)}, and deployed is ${definitions.map((hash) => hash.slice(0, 12)).join(' and ')}: train a model on this definition, or deploy the definition it knows`,
    );
  const { score } = loaded.score([Array.from({ length: loaded.width }, () => null)])[0]!;
  if (!(score >= 0 && score <= 1))
    throw new ServingRefusedError('The model answers with what is no probability: train another');
  return { package_arn, model_data_url, model_sha256, model_version: loaded.model_version };
}
