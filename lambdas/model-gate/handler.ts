import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.ts';
import { loadUseCase } from '../shared/usecase.ts';
import { schema } from './env.ts';
import { decideGate, type GateDecision, manifestSchema, metricsSchema } from './gate.ts';
import { readFromTar } from './tar.ts';

const env = readEnvironment(schema);
const { ir, view } = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env.TIDEMARK_STAGE);
const s3 = new S3Client();

const inputSchema = z.object({ manifest_uri: z.string(), output_data_url: z.string() });

/**
 * Reads what the training job reported and what its data was built from. A rejection is an answer, not an error: the
 * state machine ends with its reasons.
 * @throws Error when a file is missing or has another shape
 */
export async function handler(event: unknown): Promise<GateDecision> {
  const input = inputSchema.parse(event);
  const [output, manifest] = await Promise.all([readObject(input.output_data_url), readObject(input.manifest_uri)]);
  const metrics = metricsSchema.parse(parseJson(readFromTar(gunzipSync(output), 'metrics.json')));
  const decision = decideGate(ir.model.gate, view.definition_hash, metrics, manifestSchema.parse(parseJson(manifest)));
  telemetry.info(decision.passed ? 'the model passed' : 'the model was rejected', {
    passed: decision.passed,
    reasons: decision.reasons.join('; '),
    auc: metrics.auc,
  });
  return decision;
}

async function readObject(uri: string): Promise<Uint8Array> {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (match?.[1] !== env.LAKE_BUCKET)
    throw new Error('uri: found another place; allowed: an object of the lake bucket');
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: match[1], Key: match[2] }));
  return Body!.transformToByteArray();
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}
