import { GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { requireModel } from '../../core/ir/parts.ts';
import { completeCard } from '../../engine/model-card.ts';
import { decideGate, type GateDecision } from '../../engine/model-gate.ts';
import { manifestSchema, metricsSchema } from '../../engine/model-metrics.ts';
import { filesIn } from '../aws/archive.ts';
import { readEnvironment } from '../aws/environment.ts';
import { patient } from '../aws/patience.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadUseCase } from '../aws/use-case.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const { ir, view } = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env);
const s3 = new S3Client(patient());

const inputSchema = z.object({ manifest_uri: z.string(), model_data_url: z.string(), output_data_url: z.string() });

/** Card and plots have less than a hundredth of it. */
const MOST_BYTES = 64 * 1024 * 1024;

interface Gated extends GateDecision {
  /** The content of the registry's card. */
  readonly card: string;
}

/** Reads what the training job measured and decides; the state machine acts on `passed`. */
export async function handler(event: unknown): Promise<Gated> {
  const { manifest_uri, model_data_url, output_data_url } = inputSchema.parse(event);
  const etag = await etagOf(model_data_url);
  const output = await filesIn(await load(output_data_url), MOST_BYTES);
  const metrics = metricsSchema.parse(jsonOf(output, 'metrics.json'));
  const manifest = manifestSchema.parse(JSON.parse((await load(manifest_uri)).toString('utf8')));
  const decision = decideGate(requireModel(ir).model.gate, view.definition_hash, metrics, manifest, etag);
  const card = completeCard(jsonOf(output, 'card.json'), { model_data_url, manifest_uri, decision });
  telemetry.info('gate', { passed: decision.passed, failed_criteria: decision.reasons.length });
  telemetry.flush();
  return { ...decision, card: JSON.stringify(card) };
}

/** @throws Error when the training job did not write it */
function jsonOf(output: ReadonlyMap<string, Buffer>, name: string): unknown {
  const content = output.get(name);
  if (!content) throw new Error(`output.tar.gz: found no ${name}; the training job must write it`);
  return JSON.parse(content.toString('utf8'));
}

async function load(uri: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand(placeOf(uri)));
  return Buffer.from(await Body!.transformToByteArray());
}

async function etagOf(uri: string): Promise<string> {
  const { ETag } = await s3.send(new HeadObjectCommand(placeOf(uri)));
  if (!ETag) throw new Error('model_data_url: found no ETag; every object of S3 has one');
  return ETag;
}

/** @throws Error when it is no object of the lake */
function placeOf(uri: string): { Bucket: string; Key: string } {
  const prefix = `s3://${env.LAKE_BUCKET}/`;
  if (!uri.startsWith(prefix)) throw new Error('uri: found another place; allowed: objects of the lake bucket');
  return { Bucket: env.LAKE_BUCKET, Key: uri.slice(prefix.length) };
}
