import { gunzipSync } from 'node:zlib';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { DAY } from '../../core/values/time.ts';
import { type CapturedRow, capturedRows } from '../../engine/shadow/captured.ts';
import { ShadowComparison, type ShadowReport, type VariantMeasures } from '../../engine/shadow/comparison.ts';
import { dayOf, objectKey, PREFIX } from '../../names/lake.ts';
import { CHALLENGER_VARIANT, CHAMPION_VARIANT } from '../../names/variants.ts';
import { readEnvironment } from '../aws/environment.ts';
import { patient } from '../aws/patience.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadUseCase } from '../aws/use-case.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const { ir } = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env);
const s3 = new S3Client(patient());
const cloudwatch = new CloudWatchClient(patient());

/** So many vectors are compared at most: each is a hash and a number in memory. */
const MOST_VECTORS = 500_000;

const inputSchema = z.object({ run: z.string(), endpoint_config: z.string(), since: z.iso.datetime() });
const predictionSchema = z.object({
  inputs: z.array(z.number().nullable()),
  score: z.number(),
  scored_at: z.number(),
});

/**
 * What the shadow answered since it listened, against our own predictions of that time; the state machine acts on `passed`.
 * @throws Error where a captured object or a prediction can't be read
 */
export async function handler(event: unknown): Promise<Pick<ShadowReport, 'passed' | 'reasons'>> {
  const { run, endpoint_config, since } = inputSchema.parse(event);
  const from = Date.parse(since);
  const comparison = new ShadowComparison(env.SHADOW_BOUNDS, ir.alerts?.threshold ?? null);
  for await (const { inputs, score } of shadowRows(run)) {
    comparison.answer(inputs, score);
    if (comparison.answered >= MOST_VECTORS) break;
  }
  for await (const prediction of predictionsSince(from)) comparison.predicted(prediction);
  const report = comparison.report(
    await measuresOf(CHAMPION_VARIANT, endpoint_config, from),
    await measuresOf(CHALLENGER_VARIANT, endpoint_config, from),
  );
  const key = objectKey('shadowReport', { run });
  const Body = JSON.stringify({ run, since, ...report });
  await s3.send(new PutObjectCommand({ Bucket: env.LAKE_BUCKET, Key: key, Body, ContentType: 'application/json' }));
  const { passed, reasons, pairs } = report;
  telemetry.info('shadow', { passed, pairs, failed_bounds: reasons.length, report: key });
  telemetry.flush();
  return { passed, reasons };
}

/** SageMaker puts them below `<destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/`. */
async function* shadowRows(run: string): AsyncGenerator<CapturedRow> {
  const prefix = `${PREFIX.captured}${run}/${env.ENDPOINT_NAME}/${CHALLENGER_VARIANT}/`;
  for await (const { key } of objects(prefix)) for (const text of lines(await load(key))) yield* capturedRows(text);
}

async function* predictionsSince(from: number) {
  for (let day = from; dayOf(day) <= dayOf(Date.now()); day += DAY)
    for await (const { key, modified } of objects(`${PREFIX.predictions}dt=${dayOf(day)}/`)) {
      if (modified < from) continue;
      for (const text of lines(gunzipSync(await load(key)))) {
        const prediction = predictionSchema.parse(JSON.parse(text));
        if (prediction.scored_at >= from) yield prediction;
      }
    }
}

async function* objects(Prefix: string): AsyncGenerator<{ readonly key: string; readonly modified: number }> {
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: env.LAKE_BUCKET, Prefix }))
    for (const { Key, LastModified } of Contents) yield { key: Key!, modified: LastModified!.getTime() };
}

async function load(Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: env.LAKE_BUCKET, Key }));
  return Buffer.from(await Body!.transformToByteArray());
}

const lines = (bytes: Buffer): string[] => bytes.toString('utf8').split('\n').filter(Boolean);

/** Of a variant in the fleet that had a shadow. @param from ms UTC */
async function measuresOf(variant: string, endpoint_config: string, from: number): Promise<VariantMeasures> {
  const fleet = { EndpointName: env.ENDPOINT_NAME, VariantName: variant, EndpointConfigName: endpoint_config };
  const Dimensions = Object.entries(fleet).map(([Name, Value]) => ({ Name, Value }));
  const query = (Id: string, MetricName: string, Stat: string) => ({
    Id,
    // One figure of the whole time: half a day at most, and a percentile adds up to nothing.
    MetricStat: { Metric: { Namespace: 'AWS/SageMaker', MetricName, Dimensions }, Period: 86_400, Stat },
  });
  const { MetricDataResults = [] } = await cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(from),
      EndTime: new Date(),
      MetricDataQueries: [
        query('invocations', 'Invocations', 'Sum'),
        query('refused', 'Invocation4XXErrors', 'Sum'),
        query('failed', 'Invocation5XXErrors', 'Sum'),
        query('latency', 'ModelLatency', 'p99'),
      ],
    }),
  );
  const values = (id: string) => MetricDataResults.find(({ Id }) => Id === id)?.Values ?? [];
  const sum = (id: string) => values(id).reduce((a, b) => a + b, 0);
  const microseconds = values('latency');
  return {
    invocations: sum('invocations'),
    errors: sum('refused') + sum('failed'),
    latency_ms: microseconds.length === 0 ? null : Math.max(...microseconds) / 1000,
  };
}
