import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import type { KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda';
import { compileContracts } from '../../core/admission/admit.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import type { BatchResult, ProcessorPorts, ProcessorRules } from '../../engine/ingest/batch.ts';
import { DriftWatch } from '../../engine/ingest/drift.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { writeQuarantine } from '../../engine/ingest/quarantine.ts';
import type { ViewVersion } from '../../engine/ingest/view-run.ts';
import { MAX_EVENT_BYTES } from '../../names/limits.ts';
import { DIMENSION, METRIC } from '../../names/metrics.ts';
import { reportDrift } from '../aws/drift.ts';
import { dynamoClient } from '../aws/dynamo/client.ts';
import { DynamoCutovers } from '../aws/dynamo/cutovers.ts';
import { DynamoReplayClock } from '../aws/dynamo/replay-clock.ts';
import { Retirement } from '../aws/dynamo/retirement.ts';
import { DynamoStates } from '../aws/dynamo/states.ts';
import { DynamoTombstones } from '../aws/dynamo/tombstones.ts';
import { readEnvironment } from '../aws/environment.ts';
import { LakeSink } from '../aws/lake.ts';
import { patient } from '../aws/patience.ts';
import { streamRecords } from '../aws/stream-records.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadPrevious, loadUseCase } from '../aws/use-case.ts';
import { schema } from './env.ts';
import { reroute } from './reroute.ts';

const env = readEnvironment(schema);
const { ir, plan } = loadUseCase(import.meta.dirname);
const previous = loadPrevious(import.meta.dirname);
const telemetry = createTelemetry(env);
const dynamo = dynamoClient();
const kinesis = new KinesisClient(patient());
const lake = new LakeSink(new S3Client(patient()), env.LAKE_BUCKET);
const replay = env.TIDEMARK_CLOCK === 'replay';
const after_ms = env.CUTOVER_AFTER_SECONDS * 1000;
/** How long an answer about versions holds: whoever acts on an old one has ended before a version cuts over. */
const again_ms = after_ms / 2;
const drift = new DriftWatch(ir.sources?.map(({ name }) => name) ?? [], lake, Date.now);
const retirement = new Retirement(dynamo, env.FEATURES_TABLE, {
  kept: [ir, ...(previous ? [previous.ir] : [])].flatMap(({ views }) => views.map(({ version }) => version)),
  again_ms,
  now: Date.now,
});

const rules: ProcessorRules = {
  contracts: compileContracts(ir.contracts),
  plan,
  admit: { replay, available_lag_ms: ir.replay.available_lag_ms, max_bytes: MAX_EVENT_BYTES, lanes: env.LANES },
};
const ports: ProcessorPorts = {
  ...versionOf(plan),
  previous: previous ? versionOf(previous.plan) : undefined,
  retireOthers: () => retirement.check(),
  quarantine: (lines) => writeQuarantine(lake, lines),
  reroute: (events) => reroute(kinesis, env.STREAM_NAME, events),
  clock: replay ? new DynamoReplayClock(dynamo, env.FEATURES_TABLE) : null,
  tombstones: new DynamoTombstones(dynamo, env.FEATURES_TABLE),
  drift,
  onFailure: (error) => telemetry.error('the events of an entity are delivered again', error),
};

function versionOf(of: ViewPlan): ViewVersion {
  const states = new DynamoStates(dynamo, env.FEATURES_TABLE, of);
  const cutovers = new DynamoCutovers(dynamo, env.FEATURES_TABLE, of.view.version, {
    after_ms,
    again_ms,
    now: Date.now,
  });
  return { plan: of, states, cutovers };
}

export async function handler(event: KinesisStreamEvent): Promise<KinesisStreamBatchResponse> {
  try {
    const result = await processBatch(streamRecords(event), rules, ports);
    report(result);
    await reportDrift(telemetry, drift);
    return { batchItemFailures: result.failed === null ? [] : [{ itemIdentifier: result.failed }] };
  } finally {
    telemetry.flush();
  }
}

function report(result: BatchResult): void {
  const quarantined = [...result.quarantined.values()].reduce((sum, n) => sum + n, 0);
  telemetry.count(METRIC.eventsAdmitted, result.admitted);
  telemetry.count(METRIC.eventsApplied, result.applied);
  telemetry.count(METRIC.eventsDuplicate, result.duplicates);
  telemetry.count(METRIC.eventsSkipped, result.skipped);
  telemetry.count(METRIC.eventsClamped, result.clamped);
  telemetry.count(METRIC.eventsMisrouted, result.misrouted);
  telemetry.count(METRIC.eventsErased, result.erased);
  telemetry.count(METRIC.statesUnreadable, result.unreadable);
  telemetry.count(METRIC.statesWritten, result.written);
  telemetry.count(METRIC.stateWriteConflicts, result.conflicts);
  telemetry.count(METRIC.eventsDoubled, result.doubled);
  telemetry.count(METRIC.quarantined, quarantined);
  for (const size of result.bytes) telemetry.bytes(METRIC.stateBytes, size);
  for (const [reason, n] of result.quarantined) telemetry.countBy(METRIC.quarantined, DIMENSION.reason, reason, n);
  telemetry.info('batch', {
    admitted: result.admitted,
    applied: result.applied,
    skipped: result.skipped,
    quarantined,
    written: result.written,
    failed: result.failed ?? '',
  });
}
