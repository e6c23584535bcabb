/** What every source's function is made of: its source, compiled, and its ports on AWS. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { compileSource, type MapModule } from '../../core/intake/intake.ts';
import type { CarriageKind, SourceIR } from '../../core/ir/document.ts';
import { CARRIAGES } from '../../core/ir/source-schema.ts';
import { DriftWatch } from '../../engine/ingest/drift.ts';
import { keepGaps, keepRefused } from '../../engine/intake/kept.ts';
import type { RecordSink } from '../../engine/intake/put-all.ts';
import { SourceDrift } from '../../engine/intake/source-drift.ts';
import type { IntakePorts, SourceOf, TakeResult } from '../../engine/intake/take.ts';
import { FEATURES_KEYS, SCORES_KEYS } from '../../names/keys.ts';
import { DIMENSION, METRIC, type MetricName } from '../../names/metrics.ts';
import { INTAKE_VARIABLE } from '../../names/redrive.ts';
import { MAP_MODULE } from '../../names/sources.ts';
import { dynamoClient } from './dynamo/client.ts';
import { common, name } from './environment.ts';
import { forget } from './erasure.ts';
import { LakeSink } from './lake.ts';
import { patient } from './patience.ts';
import type { Telemetry } from './telemetry.ts';
import { loadUseCase } from './use-case.ts';

/** What each of their env.ts extends. */
export const intakeVariables = {
  ...common,
  [INTAKE_VARIABLE.source]: name,
  [INTAKE_VARIABLE.carriage]: z.enum(CARRIAGES),
  STREAM_NAME: name,
  LAKE_BUCKET: name,
  /** Only of a source on whose word entities are forgotten. */
  FEATURES_TABLE: name.optional(),
  /** The same, where the use case has a model. */
  SCORES_TABLE: name.optional(),
};
const variables = z.object(intakeVariables);
export type IntakeEnv = z.infer<typeof variables>;

export interface LoadedSource extends SourceOf {
  readonly ir: SourceIR;
}

/** @param folder the bundle's own. @throws Error where the deployment's document has no such source */
export async function loadSource(folder: string, env: IntakeEnv): Promise<LoadedSource> {
  const { ir } = loadUseCase(folder);
  const source = ir.sources?.find((one) => one.name === env.SOURCE);
  if (!source) throw new Error(`SOURCE: found a source that usecase.json has not; deploy the stack again`);
  const intake = compileSource(source, ir.contracts, await mapModuleOf(folder));
  return { name: source.name, carriage: env.CARRIAGE as CarriageKind, intake, ir: source };
}

async function mapModuleOf(folder: string): Promise<MapModule | undefined> {
  const file = join(folder, MAP_MODULE);
  if (!existsSync(file)) return undefined;
  return ((await import(pathToFileURL(file).href)) as { readonly default: MapModule }).default;
}

/** With the drift of what goes through them, for `reportDrift`. */
export function intakePorts(env: IntakeEnv, way: SourceOf): IntakePorts & { readonly watch: DriftWatch } {
  const [kinesis, s3, dynamo] = [new KinesisClient(patient()), new S3Client(patient()), dynamoClient()];
  const lake = new LakeSink(s3, env.LAKE_BUCKET);
  const watch = new DriftWatch([way.name], lake, Date.now);
  return {
    watch,
    drift: new SourceDrift(way.name, watch),
    stream: new KinesisSink(kinesis, env.STREAM_NAME),
    refuse: (refused) => keepRefused(lake, way, refused),
    gaps: (gaps) => keepGaps(lake, way, gaps),
    erase: async (entities) => {
      const { FEATURES_TABLE: featuresTable, SCORES_TABLE: scores } = env;
      if (featuresTable === undefined) throw new Error('FEATURES_TABLE: found none; deploy the stack again');
      const online = [
        { table: featuresTable, sortKey: FEATURES_KEYS.sort },
        ...(scores === undefined ? [] : [{ table: scores, sortKey: SCORES_KEYS.sort }]),
      ];
      for (const entity of entities)
        await forget({ s3, dynamodb: dynamo }, { lakeBucket: env.LAKE_BUCKET, featuresTable, online }, entity);
    },
  };
}

/** Answers 200 also where it took none of them: each record has its own answer. */
class KinesisSink implements RecordSink {
  private readonly client: KinesisClient;
  private readonly stream: string;

  constructor(client: KinesisClient, stream: string) {
    this.client = client;
    this.stream = stream;
  }

  async put(records: Parameters<RecordSink['put']>[0]): Promise<boolean[]> {
    const { Records = [] } = await this.client.send(
      new PutRecordsCommand({
        StreamName: this.stream,
        Records: records.map(({ partition_key, data }) => ({ PartitionKey: partition_key, Data: data })),
      }),
    );
    return records.map((_, i) => Records[i] !== undefined && Records[i].ErrorCode === undefined);
  }
}

/** Counts by source; a refused record by its reason in the log, never by what it held. */
export function reportTaken(telemetry: Telemetry, source: string, result: TakeResult): void {
  const sum = (counts: ReadonlyMap<unknown, number>) => [...counts.values()].reduce((all, n) => all + n, 0);
  const counts: readonly (readonly [MetricName, number])[] = [
    [METRIC.intakeReceived, result.received],
    [METRIC.intakeEvents, result.events],
    [METRIC.intakeRefused, sum(result.refused)],
    [METRIC.intakeIgnored, sum(result.ignored)],
    [METRIC.intakeGaps, result.gaps],
    [METRIC.intakeErasures, result.erased],
    [METRIC.intakeFailed, result.failed.length],
  ];
  for (const [metric, n] of counts) telemetry.countBy(metric, DIMENSION.source, source, n);
  if (result.oldest_ms !== null)
    telemetry.millisecondsBy(METRIC.intakeLagMs, DIMENSION.source, source, Math.max(0, Date.now() - result.oldest_ms));
  telemetry.info('taken', {
    source,
    received: result.received,
    events: result.events,
    failed: result.failed.length,
    refused: [...result.refused].map(([reason, n]) => `${reason} ${n}`).join(', '),
    ignored: sum(result.ignored),
  });
}
