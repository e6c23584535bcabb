/** Records of Kafka, CloudWatch Logs and IoT, in the shapes in which Lambda gets them. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Unpacked } from '../../../core/intake/envelope.ts';
import { cloudwatchLogs } from '../../../core/intake/envelopes/cloudwatch-logs.ts';
import { iot } from '../../../core/intake/envelopes/iot.ts';
import { kafka } from '../../../core/intake/envelopes/kafka.ts';

const context = { received_ms: 0, carriage: 'kafka' } as const;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('kafka', () => {
  const record = {
    topic: 'orders',
    partition: 3,
    offset: 15,
    timestamp: 1_545_084_650_987,
    timestampType: 'CREATE_TIME',
    key: base64('c-1'),
    value: base64('{"total": 5}'),
    headers: [{ trace: [97, 98, 99] }, { name: [-61, -87] }],
  };
  const read = (value: unknown, inner?: 'debezium' | 'dms'): Unpacked => kafka.unpack(bytes(value), context, { inner });

  test('a JSON value beside where it stood, its key and its headers', () => {
    expect(read(record)).toEqual({
      items: [
        {
          id: null,
          kind: 'orders',
          body: {
            ...{ topic: 'orders', partition: 3, offset: 15, timestamp: 1_545_084_650_987, key: 'c-1' },
            headers: { trace: 'abc', name: 'é' },
            value: { total: 5 },
          },
        },
      ],
      refused: [],
      gaps: [],
    });
  });

  test('a tombstone has its key, and no value', () => {
    for (const value of [null, undefined]) {
      const [item] = read({ ...record, value, key: base64('{"id": 4}') }).items;
      expect(item).toMatchObject({ kind: 'orders tombstone', body: { key: { id: 4 }, value: null } });
    }
  });

  test('a record without key and headers', () => {
    expect(read({ ...record, key: undefined, headers: [] }).items[0]).toMatchObject({
      body: { key: null, headers: {} },
    });
  });

  test('Debezium inside: its key makes the id, its tombstone is nothing, and what it refuses is kept with its key', () => {
    const change = {
      ...{ op: 'd', before: { id: 4, n: 1 }, after: null },
      source: { connector: 'postgresql', db: 'd', schema: 's', table: 't', lsn: 9, ts_ms: 1 },
    };
    const own = { ...record, key: base64('{"id": 4}') };
    expect(read({ ...own, value: base64(JSON.stringify(change)) }, 'debezium').items).toMatchObject([
      { id: 's.t:postgresql.d:9:4', body: { op: 'd', key: { id: 4 } } },
    ]);
    expect(read({ ...own, value: null }, 'debezium')).toEqual({ items: [], refused: [], gaps: [] });
    const bad = { ...own, value: base64('{"op": "z"}') };
    expect(read(bad, 'debezium').refused).toMatchObject([{ reason: 'INVALID_ENVELOPE', raw: bytes(bad) }]);
  });

  test.each<[string, unknown, string]>([
    ['text', { ...record, value: base64('hello') }, 'MALFORMED_JSON'],
    ['bytes', { ...record, value: Buffer.from([0xff, 0xfe]).toString('base64') }, 'INVALID_UTF8'],
    ['Avro', { ...record, value: Buffer.from([0, 0, 0, 0, 1]).toString('base64') }, 'INVALID_ENVELOPE'],
    ['no topic', { ...record, topic: undefined }, 'INVALID_ENVELOPE'],
    ['no offset', { ...record, offset: '5' }, 'INVALID_ENVELOPE'],
    ['a value that is not encoded', { ...record, value: { total: 5 } }, 'INVALID_ENVELOPE'],
  ])('%s is refused whole', (_name, value, reason) => {
    expect(read(value)).toMatchObject({ items: [], refused: [{ reason, raw: bytes(value) }] });
  });
});

describe('cloudwatch_logs', () => {
  const message = {
    messageType: 'DATA_MESSAGE',
    owner: '123456789012',
    logGroup: '/app/web',
    logStream: 'i-1',
    subscriptionFilters: ['tidemark'],
    logEvents: [
      { id: '1', timestamp: 1, message: '{"user": "u1"}' },
      { id: '2', timestamp: 2, message: 'GET /' },
      { id: '3', timestamp: 3, message: '{not json' },
    ],
  };
  const read = (value: unknown) => cloudwatchLogs.unpack(gzipSync(bytes(value)), context, {});

  test('every line is an item, a line of JSON parsed', () => {
    const { items, refused } = read(message);
    expect(refused).toEqual([]);
    const about = { owner: '123456789012', logGroup: '/app/web', logStream: 'i-1' };
    expect(items).toEqual([
      { id: '/app/web:1', kind: '/app/web', body: { ...about, id: '1', timestamp: 1, message: { user: 'u1' } } },
      { id: '/app/web:2', kind: '/app/web', body: { ...about, id: '2', timestamp: 2, message: 'GET /' } },
      { id: '/app/web:3', kind: '/app/web', body: { ...about, id: '3', timestamp: 3, message: '{not json' } },
    ]);
    // As the quarantine keeps one that a map could not read.
    expect(items.flatMap(({ body }) => cloudwatchLogs.unpack(bytes(body), context, {}).items)).toEqual(items);
  });

  test('a line that can’t be read is refused alone, and reads again as itself', () => {
    const bad = { id: '4', timestamp: 4, message: '{"__proto__": 1}' };
    const { items, refused } = read({ ...message, logEvents: [bad, ...message.logEvents] });
    expect(items).toHaveLength(3);
    expect(refused).toMatchObject([{ reason: 'FORBIDDEN_KEY', kind: '/app/web' }]);
    const again = cloudwatchLogs.unpack(refused[0]!.raw, context, {});
    expect(again).toMatchObject({ items: [], refused: [{ reason: 'FORBIDDEN_KEY', raw: refused[0]!.raw }] });
  });

  test('a control message is nothing', () => {
    const logEvents = [{ id: '', timestamp: 1, message: 'CWL CONTROL MESSAGE: Checking health of destination' }];
    expect(read({ messageType: 'CONTROL_MESSAGE', owner: 'CloudwatchLogs', logGroup: '', logEvents })).toEqual({
      ...{ items: [], refused: [], gaps: [] },
    });
  });

  test('damaged gzip, and what unpacks to too much, is refused whole', () => {
    const reason = (raw: Uint8Array) =>
      cloudwatchLogs.unpack(raw, context, {}).refused.map((refused) => refused.reason);
    expect(reason(gzipSync(bytes(message)).subarray(0, 30))).toEqual(['INVALID_ENVELOPE']);
    expect(reason(gzipSync(Buffer.alloc(7 * 1024 * 1024, ' ')))).toEqual(['INVALID_ENVELOPE']);
    expect(reason(gzipSync(bytes({ ...message, messageType: 'X' })))).toEqual(['INVALID_ENVELOPE']);
    expect(reason(bytes([]))).toEqual(['INVALID_ENVELOPE']);
  });
});

describe('iot', () => {
  const read = (value: unknown) => iot.unpack(bytes(value), context, {});

  test('the payload beside its topic', () => {
    const record = { topic: 'dev/7/t', timestamp: 5, traceid: 'x-1', data: base64('{"seq": 1, "c": 21.5}') };
    expect(read(record).items).toEqual([
      {
        id: null,
        kind: 'dev/7/t',
        body: { topic: 'dev/7/t', timestamp: 5, traceid: 'x-1', payload: { seq: 1, c: 21.5 } },
      },
    ]);
  });

  test.each<[unknown, string]>([
    [{ topic: 't', data: base64('23 C') }, 'MALFORMED_JSON'],
    [{ topic: 't', data: '/w==' }, 'INVALID_UTF8'],
    [{ topic: 't' }, 'INVALID_ENVELOPE'],
    [{ data: base64('{}') }, 'INVALID_ENVELOPE'],
  ])('what can’t be read is refused whole: %#', (value, reason) => {
    expect(read(value)).toMatchObject({ items: [], refused: [{ reason, raw: bytes(value) }] });
  });
});
