import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { requireModel } from '../../core/ir/parts.ts';
import { completeCard } from '../../engine/model-card.ts';
import { decideGate, type GateDecision } from '../../engine/model-gate.ts';
import { manifestSchema, metricsSchema } from '../../engine/model-metrics.ts';
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

interface Gated extends GateDecision {
  /** The content of the registry's card. */
  readonly card: string;
}

/** Reads what the training job measured and decides; the state machine acts on `passed`. */
export async function handler(event: unknown): Promise<Gated> {
  const { manifest_uri, model_data_url, output_data_url } = inputSchema.parse(event);
  const etag = await etagOf(model_data_url);
  const files = await filesInArchive(await load(output_data_url), ['metrics.json', 'card.json']);
  const metrics = metricsSchema.parse(JSON.parse(files['metrics.json']));
  const manifest = manifestSchema.parse(JSON.parse((await load(manifest_uri)).toString('utf8')));
  const decision = decideGate(requireModel(ir).model.gate, view.definition_hash, metrics, manifest, etag);
  const card = completeCard(JSON.parse(files['card.json']), { model_data_url, manifest_uri, decision });
  telemetry.info('gate', { passed: decision.passed, failed_criteria: decision.reasons.length });
  telemetry.flush();
  return { ...decision, card: JSON.stringify(card) };
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

/** @throws Error when the archive lacks one */
async function filesInArchive<Name extends string>(
  archive: Buffer,
  names: readonly Name[],
): Promise<Record<Name, string>> {
  const found = new Map<string, string>();
  for await (const entry of Readable.from([archive]).pipe(createGunzip()).pipe(extract())) {
    const name = entry.header.name.replace(/^\.\//, '');
    if (!names.some((wanted) => wanted === name)) {
      entry.resume();
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    found.set(name, Buffer.concat(chunks).toString('utf8'));
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0)
    throw new Error(`output.tar.gz: found no ${missing.join(', ')}; the training job must write it`);
  return Object.fromEntries(found) as Record<Name, string>;
}
