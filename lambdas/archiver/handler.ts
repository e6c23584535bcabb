import { S3Client } from '@aws-sdk/client-s3';
import type { KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda';
import { compileContracts } from '../../core/admission/admit.ts';
import { archivable } from '../../engine/ingest/archivable.ts';
import { archiveKey } from '../../names/lake.ts';
import { MAX_EVENT_BYTES } from '../../names/limits.ts';
import { METRIC } from '../../names/metrics.ts';
import { dynamoClient } from '../aws/dynamo/client.ts';
import { DynamoTombstones } from '../aws/dynamo/tombstones.ts';
import { readEnvironment } from '../aws/environment.ts';
import { LakeSink } from '../aws/lake.ts';
import { patient } from '../aws/patience.ts';
import { streamRecords } from '../aws/stream-records.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadUseCase } from '../aws/use-case.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const { ir } = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env);
const lake = new LakeSink(new S3Client(patient()), env.LAKE_BUCKET);
const tombstones = new DynamoTombstones(dynamoClient(), env.FEATURES_TABLE);
const contracts = compileContracts(ir.contracts);
const options = {
  replay: env.TIDEMARK_CLOCK === 'replay',
  available_lag_ms: ir.replay.available_lag_ms,
  max_bytes: MAX_EVENT_BYTES,
  lanes: env.LANES,
};

/**
 * Writes what passed its contract, one object a batch, named after its positions: a redelivery overwrites it. Events of
 * erased entities are dropped.
 */
export async function handler(event: KinesisStreamEvent): Promise<KinesisStreamBatchResponse> {
  const records = streamRecords(event);
  const admitted = archivable(records, contracts, options);
  const erased = await tombstones.erased([...new Set(admitted.map((event) => event.entity_id))]);
  const events = admitted.filter((event) => !erased.has(event.entity_id));
  const [first, last] = [records[0]?.position, records.at(-1)?.position];
  // An empty object where there is nothing to keep: the key says up to where the shard is archived.
  if (first && last) {
    const key = archiveKey('events', first.arrival_ms, first.shard_id, first.sequence_number, last.sequence_number);
    await lake.put(key, events);
  }
  telemetry.count(METRIC.eventsArchived, events.length);
  telemetry.count(METRIC.eventsErased, admitted.length - events.length);
  telemetry.info('batch', { records: records.length, archived: events.length });
  telemetry.flush();
  return { batchItemFailures: [] };
}
