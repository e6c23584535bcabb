/** What each way hands to the function, and which of it is told to come again. */
import { expect, test } from '@jest/globals';
import { batchOf } from '../../../lambdas/intake-stream/batch.ts';
import { aggregate } from '../../core/kpl-writer.ts';

const NOW = 1_700_000_000_000;
const text = (raw: Uint8Array) => Buffer.from(raw).toString();
const kinesisRecord = (sequenceNumber: string, data: Uint8Array) => ({
  kinesis: { sequenceNumber, data: Buffer.from(data).toString('base64'), approximateArrivalTimestamp: 1.5 },
});

test('of a stream the first failure is named, in whatever record of a producer it was', () => {
  const together = aggregate([
    { partition_key: 'a', data: Buffer.from('two') },
    { partition_key: 'b', data: Buffer.from('three') },
  ]);
  const Records = [
    kinesisRecord('10', Buffer.from('one')),
    kinesisRecord('11', together),
    kinesisRecord('12', Buffer.from('x')),
  ];
  const batch = batchOf({ Records }, 'kinesis', NOW);
  expect(batch.records.map(({ raw }) => text(raw))).toEqual(['one', 'two', 'three', 'x']);
  expect(batch.records[0]!.context).toEqual({ received_ms: 1500, carriage: 'kinesis' });
  expect(batch.answer([])).toEqual({ batchItemFailures: [] });
  expect(batch.answer([2, 3])).toEqual({ batchItemFailures: [{ itemIdentifier: '11' }] });
});

test('an aggregated record that can’t be read stays whole, for the quarantine', () => {
  const damaged = Buffer.concat([Buffer.from([0xf3, 0x89, 0x9a, 0xc2]), Buffer.from('nonsense that is no message')]);
  const { records } = batchOf({ Records: [kinesisRecord('1', damaged)] }, 'kinesis', NOW);
  expect(records.map(({ raw }) => Buffer.from(raw))).toEqual([damaged]);
});

test('of a table’s stream the first failure is named', () => {
  const Records = ['5', '6'].map((SequenceNumber) => ({
    eventName: 'INSERT' as const,
    dynamodb: { SequenceNumber, ApproximateCreationDateTime: 2 },
  }));
  const batch = batchOf({ Records }, 'dynamodb', NOW);
  expect(batch.records.map(({ context }) => context.received_ms)).toEqual([2000, 2000]);
  expect(batch.answer([1])).toEqual({ batchItemFailures: [{ itemIdentifier: '6' }] });
});

test('of a topic the first failure of each partition is named', () => {
  const of = (partition: number, offsets: number[]) =>
    offsets.map((offset) => ({ topic: 'a-b', partition, offset, timestamp: 1, headers: [] }));
  const batch = batchOf({ records: { 'a-b-0': of(0, [4, 5]), 'a-b-1': of(1, [7, 8]) } }, 'kafka', NOW);
  expect(batch.records).toHaveLength(4);
  expect(batch.answer([1, 2, 3])).toEqual({
    batchItemFailures: [
      { itemIdentifier: { 'topic-partition': 'a-b-0', offset: 5 } },
      { itemIdentifier: { 'topic-partition': 'a-b-1', offset: 7 } },
    ],
  });
});

test('what is called asynchronously has no answer', () => {
  const logs = batchOf({ awslogs: { data: Buffer.from('gzip').toString('base64') } }, 'logs', NOW);
  expect([text(logs.records[0]!.raw), logs.answer([0])]).toEqual(['gzip', null]);
  const iot = batchOf({ topic: 't', data: 'e30=' }, 'iot', NOW);
  expect(text(iot.records[0]!.raw)).toBe('{"topic":"t","data":"e30="}');
});
