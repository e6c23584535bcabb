import type { Rejected } from '../../core/admission/admit.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import type { RejectionReason } from '../../core/ir/rejection.ts';
import { compareSequence } from '../../core/state/state.ts';
import { sha256 } from '../../core/values/hash.ts';
import { archiveKey } from '../../names/lake.ts';
import type { JsonLinesSink } from '../ports.ts';
import type { StreamRecord } from '../stream-record.ts';

/** A refused record with all that is needed to put it again after a fix. */
export interface QuarantineLine {
  readonly shard_id: string;
  readonly sequence_number: string;
  /** Place among the events of one record, from 0. */
  readonly sub_sequence: number;
  /** ms UTC. */
  readonly arrival: number;
  readonly reason: RejectionReason;
  readonly detail: string;
  readonly event_type: string | null;
  readonly schema_version: number | null;
  /** Who sent it, as far as it says; null in lines of earlier releases too, where it is not there. */
  readonly source: string | null;
  readonly partition_key: string;
  readonly raw_base64: string;
}

/** An admitted event and the record it came in. */
export interface Located {
  readonly event: CanonicalEvent;
  readonly record: StreamRecord;
}

export function quarantineLine(record: StreamRecord, why: Omit<Rejected, 'ok'>): QuarantineLine {
  const { shard_id, sequence_number, sub_sequence = 0, arrival_ms, partition_key } = record.position;
  return {
    shard_id,
    sequence_number,
    sub_sequence,
    arrival: arrival_ms,
    reason: why.reason,
    detail: why.detail,
    event_type: why.event_type ?? null,
    schema_version: why.schema_version ?? null,
    source: why.source || null,
    partition_key,
    raw_base64: Buffer.from(record.data).toString('base64'),
  };
}

/** The id was counted before: a producer's retry. */
export function refusedDuplicate(located: Located): QuarantineLine {
  return refusedForState(
    located,
    'DUPLICATE_EVENT_ID',
    'event_id: found an id that was counted within the dedupe horizon; allowed: each id once',
  );
}

/** A good event that its entity's state can't take. */
export function refusedForState({ event, record }: Located, reason: RejectionReason, detail: string): QuarantineLine {
  const { event_type, schema_version, source } = event;
  return quarantineLine(record, { reason, detail, event_type, schema_version, source });
}

/**
 * One object for refused records of a shard. A redelivery may refuse fewer of them (duplicates whose watermark has moved
 * meanwhile), so the key also holds a hash of the positions: the same lines overwrite themselves, and no others. Readers
 * merge by shard and position.
 */
export async function writeQuarantine(sink: JsonLinesSink, lines: readonly QuarantineLine[]): Promise<void> {
  const sorted = [...lines].sort(
    (a, b) => compareSequence(a.sequence_number, b.sequence_number) || a.sub_sequence - b.sub_sequence,
  );
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) return;
  const positions = sha256(sorted.map(placeIn).join('\n')).slice(0, 12);
  const range = `${last.sequence_number}-${positions}`;
  await sink.put(archiveKey('quarantine', first.arrival, first.shard_id, first.sequence_number, range), sorted);
}

/** In a shard; of the first event of a record its sequence number, as it was before records had several. */
function placeIn({ sequence_number, sub_sequence }: QuarantineLine): string {
  return sub_sequence === 0 ? sequence_number : `${sequence_number} ${sub_sequence}`;
}
