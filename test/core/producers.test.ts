/** Canonical events as other producers write them into the stream: they come through as they are. */
import { expect, test } from '@jest/globals';
import { compileContracts } from '../../core/admission/admit.ts';
import { admitRecord } from '../../core/admission/record-parts.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, field } from '../../core/definition/define.ts';
import { aggregate } from './kpl-writer.ts';

const ordered = contract('ordered', 1, { fields: { amount: field.decimal(2) } });
const contracts = compileContracts([contractIR(ordered)]);
const event = (event_id: string, entity_id: string) => ({
  ...{ event_id, entity_id, event_type: 'ordered', event_time: '2026-01-01T00:00:00Z', source: 'nifi' },
  ...{ schema_version: 1, properties: { amount: '1.50' } },
});

function verdicts(data: Uint8Array, partition_key: string) {
  const position = { shard_id: 's', sequence_number: '1', arrival_ms: Date.UTC(2026, 0, 2), partition_key };
  const options = { replay: false, available_lag_ms: 0, max_bytes: 262_144 };
  return admitRecord({ position, data }, contracts, options).map(({ result }) =>
    result.ok ? [result.event.event_id, result.misrouted ? 'another key' : 'its key'] : [result.reason],
  );
}

// What a JsonRecordSetWriter of NiFi writes with "One Line Per Object" and with "Array", and PutKinesisStream sends unchanged.
const NIFI_LINES = [event('o-1', 'ann'), event('o-2', 'ann')].map((one) => JSON.stringify(one)).join('\n');
const NIFI_PRETTY = JSON.stringify(event('o-1', 'ann'), null, 2).replaceAll('":', '" :');
const NIFI_ARRAY = `[ ${JSON.stringify(event('o-1', 'ann'))}, ${JSON.stringify(event('o-2', 'ann'))} ]`;

test.each([
  [
    'a FlowFile of NiFi, a line per object',
    NIFI_LINES,
    'ann',
    [
      ['o-1', 'its key'],
      ['o-2', 'its key'],
    ],
  ],
  [
    'the same under a random key, as without kinesis.partition.key',
    NIFI_LINES,
    '-829034',
    [
      ['o-1', 'another key'],
      ['o-2', 'another key'],
    ],
  ],
  ['a FlowFile of one record, written for people', NIFI_PRETTY, 'ann', [['o-1', 'its key']]],
  ['a FlowFile of an array, which is no event', NIFI_ARRAY, 'ann', [['NOT_AN_OBJECT']]],
])('%s', (_, text, key, expected) => {
  expect(verdicts(Buffer.from(text), key)).toEqual(expected);
});

test('a record that the Kinesis Producer Library has aggregated, of two entities', () => {
  const parts = [event('o-1', 'ann'), event('o-2', 'bob')];
  const records = parts.map((one) => ({ partition_key: one.entity_id, data: Buffer.from(JSON.stringify(one)) }));
  expect(verdicts(aggregate(records), 'a')).toEqual([
    ['o-1', 'its key'],
    ['o-2', 'its key'],
  ]);
});
