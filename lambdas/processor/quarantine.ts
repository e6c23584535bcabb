import type { Rejected } from '../../core/contract.ts';
import type { RejectionReason } from '../../core/rejection.ts';
import { compareSequence } from '../../core/state.ts';
import { archiveKey } from '../shared/lake.ts';
import type { JsonLinesSink } from '../shared/ports.ts';
import type { StreamRecord } from '../shared/stream-records.ts';

/** A refused record with all that is needed to put it again after a fix. */
export interface QuarantineLine {
  readonly shard_id: string;
  readonly sequence_number: string;
  /** ms UTC. */
  readonly arrival: number;
  readonly reason: RejectionReason;
  readonly detail: string;
  readonly event_type: string | null;
  readonly schema_version: number | null;
  readonly contract_version: string;
  readonly partition_key: string;
  readonly raw_base64: string;
}

export function quarantineLine(record: StreamRecord, why: Omit<Rejected, 'ok'>): QuarantineLine {
  const { shard_id, sequence_number, arrival_ms, partition_key } = record.position;
  return {
    shard_id,
    sequence_number,
    arrival: arrival_ms,
    reason: why.reason,
    detail: why.detail,
    event_type: why.event_type ?? null,
    schema_version: why.schema_version ?? null,
    contract_version: why.event_type === undefined ? '' : `${why.event_type}@${why.schema_version ?? ''}`,
    partition_key,
    raw_base64: Buffer.from(record.data).toString('base64'),
  };
}

/** One object for the refused records of a batch; a redelivery writes the same lines, merged by shard and position. */
export async function writeQuarantine(sink: JsonLinesSink, lines: readonly QuarantineLine[]): Promise<void> {
  const sorted = [...lines].sort((a, b) => compareSequence(a.sequence_number, b.sequence_number));
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) return;
  await sink.put(
    archiveKey('quarantine', first.arrival, first.shard_id, first.sequence_number, last.sequence_number),
    sorted,
  );
}
