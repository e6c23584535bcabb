import type { KinesisStreamEvent } from 'aws-lambda';
import type { RecordPosition } from '../../core/admission/admit.ts';

export interface StreamRecord {
  readonly position: RecordPosition;
  readonly data: Uint8Array;
}

/** Kinesis gives the arrival in seconds with a fraction; the shard is the part of `eventID` before the colon. */
export function streamRecords(event: KinesisStreamEvent): StreamRecord[] {
  return event.Records.map(({ kinesis, eventID }) => ({
    position: {
      shard_id: eventID.slice(0, eventID.indexOf(':')),
      sequence_number: kinesis.sequenceNumber,
      arrival_ms: Math.round(kinesis.approximateArrivalTimestamp * 1000),
      partition_key: kinesis.partitionKey,
    },
    data: Buffer.from(kinesis.data, 'base64'),
  }));
}

export { MAX_EVENT_BYTES } from '../../core/admission/record.ts';
