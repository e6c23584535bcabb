import type { KinesisStreamEvent } from 'aws-lambda';
import type { StreamRecord } from '../../engine/stream-record.ts';

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
