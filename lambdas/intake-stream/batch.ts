/** What each way hands to the function, as records, and how it is told which of them have to come again. */
import type { DynamoDBStreamEvent, KinesisStreamEvent } from 'aws-lambda';
import { isAggregated } from '../../core/admission/kpl.ts';
import { bytesOf } from '../../core/intake/body.ts';
import type { CarriageKind } from '../../core/ir/document.ts';
import type { IntakeRecord } from '../../engine/intake/take.ts';
import { unaggregated } from './unaggregated.ts';

/** One record of Kafka, as far as it is needed here; key, value and headers are the envelope's matter. */
interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What an event source mapping of Kafka sends; key and value may be absent, which its published types do not know. */
export interface KafkaEvent {
  readonly records: Readonly<Record<string, readonly KafkaRecord[]>>;
}

/** What a subscription of CloudWatch Logs sends. */
export interface LogsEvent {
  readonly awslogs: { readonly data: string };
}

export type StreamEvent = KinesisStreamEvent | DynamoDBStreamEvent | KafkaEvent | LogsEvent | Readonly<object>;

/** What an event source mapping reads of the answer. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string | KafkaPlace }[];
}

interface KafkaPlace {
  readonly 'topic-partition': string;
  readonly offset: number;
}

export interface Batch {
  readonly records: readonly IntakeRecord[];
  /** @param failed places of records, ascending. @returns null for a call of which nobody reads the answer */
  answer(failed: readonly number[]): BatchAnswer | null;
}

/** @param now ms UTC: the arrival of what does not say when it arrived */
export function batchOf(event: StreamEvent, carriage: CarriageKind, now: number): Batch {
  if (carriage === 'kinesis') return kinesisBatch(event as KinesisStreamEvent);
  if (carriage === 'dynamodb') return dynamoBatch(event as DynamoDBStreamEvent, now);
  if (carriage === 'kafka') return kafkaBatch(event as KafkaEvent, now);
  const raw = carriage === 'logs' ? Buffer.from((event as LogsEvent).awslogs.data, 'base64') : bytesOf(event);
  return { records: [{ raw, context: { received_ms: now, carriage } }], answer: () => null };
}

/** Records that a producer has aggregated are several: each of them is read by itself, and one that fails brings all again. */
function kinesisBatch({ Records }: KinesisStreamEvent): Batch {
  const records: IntakeRecord[] = [];
  const identifiers: string[] = [];
  for (const { kinesis } of Records) {
    const data = Buffer.from(kinesis.data, 'base64');
    const received_ms = Math.round(kinesis.approximateArrivalTimestamp * 1000);
    for (const raw of isAggregated(data) ? unaggregated(data) : [data]) {
      records.push({ raw, context: { received_ms, carriage: 'kinesis' } });
      identifiers.push(kinesis.sequenceNumber);
    }
  }
  return { records, answer: (failed) => firstOf(failed.map((place) => identifiers[place]!)) };
}

function dynamoBatch({ Records }: DynamoDBStreamEvent, now: number): Batch {
  const records = Records.map((record): IntakeRecord => {
    const seconds = record.dynamodb?.ApproximateCreationDateTime;
    const received_ms = seconds === undefined ? now : Math.round(seconds * 1000);
    return { raw: bytesOf(record), context: { received_ms, carriage: 'dynamodb' } };
  });
  // Without one the answer names nothing, and Lambda sends the whole batch again.
  return {
    records,
    answer: (failed) => firstOf(failed.map((place) => Records[place]!.dynamodb?.SequenceNumber ?? '')),
  };
}

/** Of a stream Lambda goes on from the lowest failure, whatever else is named. */
const firstOf = ([first]: readonly string[]): BatchAnswer => ({
  batchItemFailures: first === undefined ? [] : [{ itemIdentifier: first }],
});

/** Of each partition the first: what comes after it comes again anyway. */
function kafkaBatch({ records: byPartition }: KafkaEvent, now: number): Batch {
  const found = Object.values(byPartition).flat();
  const records = found.map((record) => ({
    raw: bytesOf(record),
    context: { received_ms: now, carriage: 'kafka' as const },
  }));
  const answer = (failed: readonly number[]): BatchAnswer => {
    const first = new Map<string, number>();
    for (const place of failed) {
      const { topic, partition, offset } = found[place]!;
      const name = `${topic}-${partition}`;
      first.set(name, Math.min(offset, first.get(name) ?? offset));
    }
    const places = [...first].map(([name, offset]) => ({ 'topic-partition': name, offset }));
    return { batchItemFailures: places.map((itemIdentifier) => ({ itemIdentifier })) };
  };
  return { records, answer };
}
