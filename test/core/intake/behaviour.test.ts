/** Behaviour in Segment's spec, and OpenTelemetry's logs. */
import { describe, expect, test } from '@jest/globals';
import type { Envelope } from '../../../core/intake/envelope.ts';
import { otlpLogs } from '../../../core/intake/envelopes/otlp-logs.ts';
import { segment } from '../../../core/intake/envelopes/segment.ts';
import { xAccountActivity } from '../../../core/intake/envelopes/x-account-activity.ts';
import { bodies, ids, itemsOf, RECEIVED, reasons, times, unpack } from './unpacking.ts';

describe('segment', () => {
  const message = { type: 'track', event: 'Order Completed', messageId: 'm1', userId: 'u1', properties: { total: 5 } };
  const iso = (before_s: number) => new Date(RECEIVED - before_s * 1000).toISOString();

  test('one message, without its write key', () => {
    expect(itemsOf(unpack(segment, { ...message, writeKey: 'k' }))).toEqual([
      { body: { ...message, user_id: 'u1', time_ms: RECEIVED }, id: 'm1', kind: 'track' },
    ]);
  });

  test.each(['track', 'page', 'screen', 'identify', 'group', 'alias'])('%s', (type) => {
    expect(unpack(segment, { ...message, type }).items[0]!.kind).toBe(type);
  });

  test('who did not say who they are', () => {
    for (const userId of [undefined, null, ''])
      expect(bodies(unpack(segment, { ...message, userId, anonymousId: 'a1' }))[0]).toMatchObject({ user_id: 'a1' });
    expect(bodies(unpack(segment, { ...message, anonymousId: 'a1' }))[0]).toMatchObject({ user_id: 'u1' });
    expect(reasons(unpack(segment, { ...message, userId: undefined }))).toEqual(['MISSING_ENTITY']);
  });

  test.each<[string, object, number]>([
    ['a right clock', { originalTimestamp: iso(60), sentAt: iso(1) }, 59],
    ['a clock that is a year behind', { originalTimestamp: iso(31_536_060), sentAt: iso(31_536_001) }, 59],
    ['a clock that is a day ahead', { originalTimestamp: iso(-86_340), sentAt: iso(-86_399) }, 59],
    ["an SDK's timestamp", { timestamp: iso(60), sentAt: iso(0) }, 60],
    ['offline for three days', { timestamp: iso(259_200), sentAt: iso(0) }, 259_200],
    ['no sentAt', { timestamp: iso(60) }, 60],
    ['no sentAt, and a clock that is ahead', { timestamp: iso(-60) }, 0],
    ['sent before it happened', { timestamp: iso(0), sentAt: iso(60) }, 0],
    ['no times', {}, 0],
    ['times that are none', { timestamp: 'now', sentAt: 'soon' }, 0],
    ['sentAt that is none', { timestamp: iso(60), sentAt: 5 }, 60],
    ['longer ago than time is', { timestamp: '1970-01-01T00:00:00Z', sentAt: '2099-01-01T00:00:00Z' }, 0],
    [
      'received by Segment before',
      { originalTimestamp: iso(70), sentAt: iso(40), receivedAt: iso(30), timestamp: iso(60) },
      60,
    ],
    ['received by Segment after us', { originalTimestamp: iso(70), sentAt: iso(40), receivedAt: iso(-30) }, 30],
  ])('the time of %s', (_, fields, before_s) => {
    expect(times(unpack(segment, { ...message, ...fields }))).toEqual([RECEIVED - before_s * 1000]);
  });

  test('a batch: its sentAt is of all, a bad message is refused by itself and can come again', () => {
    const unpacked = unpack(segment, {
      sentAt: iso(10),
      writeKey: 'k',
      batch: [
        { ...message, timestamp: iso(60) },
        { ...message, type: 'noise', messageId: 'm2' },
        5,
        { ...message, messageId: 'm3' },
      ],
    });
    expect([ids(unpacked), times(unpacked)]).toEqual([
      ['m1', 'm3'],
      [RECEIVED - 50_000, RECEIVED],
    ]);
    expect(unpacked.refused.map(({ reason, detail }) => [reason, detail.split(':')[0]])).toEqual([
      ['INVALID_ENVELOPE', 'type'],
      ['INVALID_ENVELOPE', 'batch[2]'],
    ]);
    expect(JSON.parse(Buffer.from(unpacked.refused[0]!.raw).toString())).toMatchObject({
      messageId: 'm2',
      sentAt: iso(10),
    });
  });

  test('a message without an id has none', () => {
    expect(ids(unpack(segment, { ...message, messageId: undefined }))).toEqual([null]);
  });

  test.each<[string, unknown]>([
    ['a batch that is no array', { batch: {} }],
    ['no type', { messageId: 'm1', userId: 'u1' }],
  ])('%s: refused', (_, body) => {
    expect(reasons(unpack(segment, body))).toEqual(['INVALID_ENVELOPE']);
  });
});

describe('otlp_logs', () => {
  const text = (stringValue: string) => ({ stringValue });
  const logs = (...logRecords: unknown[]) => ({
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: text('shop') }] },
        scopeLogs: [{ scope: { name: 'orders' }, logRecords }],
      },
    ],
  });
  const record = {
    timeUnixNano: '1795780800123456789',
    severityText: 'INFO',
    severityNumber: 9,
    eventName: 'order.placed',
  };

  test('a record as plain JSON', () => {
    const unpacked = unpack(
      otlpLogs,
      logs({
        ...record,
        traceId: 'ab',
        body: {
          kvlistValue: { values: [{ key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, {}] } } }] },
        },
        attributes: [
          { key: 'user.id', value: text('u1') },
          { key: 'small', value: { intValue: '-5' } },
          { key: 'as number', value: { intValue: 5 } },
          { key: 'large', value: { intValue: '9223372036854775807' } },
          { key: 'share', value: { doubleValue: 0.5 } },
          { key: 'yes', value: { boolValue: true } },
          { key: 'bytes', value: { bytesValue: 'AAE=' } },
          { key: 'empty' },
          { key: 'log.record.uid', value: text('uid-1') },
        ],
      }),
    );
    expect({ ...unpacked, items: itemsOf(unpacked) }).toEqual({
      items: [
        {
          id: 'uid-1',
          kind: 'order.placed',
          body: {
            time_ms: 1_795_780_800_123,
            event_name: 'order.placed',
            severity_text: 'INFO',
            severity_number: 9,
            body: { list: [1, null] },
            attributes: {
              'user.id': 'u1',
              small: -5,
              'as number': 5,
              large: '9223372036854775807',
              share: 0.5,
              yes: true,
              bytes: 'AAE=',
              empty: null,
              'log.record.uid': 'uid-1',
            },
            resource: { 'service.name': 'shop' },
            scope: 'orders',
            trace_id: 'ab',
            span_id: null,
          },
        },
      ],
      refused: [],
      gaps: [],
    });
  });

  test('without an id, the same record is the same, and another is another', () => {
    const [first] = ids(unpack(otlpLogs, logs(record)));
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(ids(unpack(otlpLogs, logs(record, { ...record, timeUnixNano: '1795780800123456790' })))[0]).toBe(first);
    expect(ids(unpack(otlpLogs, logs({ ...record, timeUnixNano: '1795780800123456790' })))[0]).not.toBe(first);
  });

  test.each<[string, object, number]>([
    ['of the record', { timeUnixNano: '1795780800123456789' }, 1_795_780_800_123],
    ['as it was seen', { timeUnixNano: '0', observedTimeUnixNano: '1795780800000000000' }, 1_795_780_800_000],
    ['as a number', { timeUnixNano: 1_795_780_800_000_000_000 }, 1_795_780_800_000],
    ['of arrival', {}, RECEIVED],
    ['of arrival, where it is nonsense', { timeUnixNano: '184467440737095516160' }, RECEIVED],
    ['of arrival, where it is none', { timeUnixNano: 'now' }, RECEIVED],
  ])('the time %s', (_, fields, time_ms) => {
    expect(times(unpack(otlpLogs, logs(fields)))).toEqual([time_ms]);
  });

  test('what is empty is nothing', () => {
    for (const body of [{}, { resourceLogs: [] }, { resourceLogs: [{}] }, { resourceLogs: [{ scopeLogs: [{}] }] }])
      expect(unpack(otlpLogs, body)).toEqual({ items: [], refused: [], gaps: [] });
  });

  test.each<[string, unknown]>([
    ['a record that is none', 5],
    ['attributes that are no list', { ...record, attributes: {} }],
    ['a number that is none', { ...record, attributes: [{ key: 'a', value: { intValue: '1e5' } }] }],
    ['a value of no kind', { ...record, body: { stringValue: {} } }],
    ['a key that is none', { ...record, attributes: [{ key: 5, value: {} }] }],
  ])('%s is refused by itself, in an envelope that can come again', (_, bad) => {
    const unpacked = unpack(otlpLogs, logs(bad, record));
    expect([unpacked.items.length, reasons(unpacked)]).toEqual([1, ['INVALID_ENVELOPE']]);
    expect(JSON.parse(Buffer.from(unpacked.refused[0]!.raw).toString())).toEqual(logs(bad));
  });

  test('a key that names a prototype', () => {
    const bad = { ...record, attributes: [{ key: '__proto__', value: text('x') }] };
    expect(reasons(unpack(otlpLogs, JSON.stringify(logs(bad)).replace('__proto__', '\\u005f_proto__')))).toEqual([
      'FORBIDDEN_KEY',
    ]);
    expect(reasons(unpack(otlpLogs, { resourceLogs: {} }))).toEqual(['INVALID_ENVELOPE']);
  });
});

test('more events than anybody sends at once are refused as a whole, and not one by one', () => {
  const many = (n: number) => `[${Array(n).fill('{}').join(',')}]`;
  for (const [envelope, body] of [
    [segment, (n: number) => `{"batch":${many(n)}}`],
    [otlpLogs, (n: number) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":${many(n)}}]}]}`],
  ] as const) {
    expect(reasons(unpack(envelope, body(10_001)))).toEqual(['TOO_MANY_EVENTS']);
    const { items, refused } = unpack(envelope, body(10_000));
    expect(items.length + refused.length).toBe(10_000);
  }
});

test('what a map refuses of many can be read again by itself, as the same item', () => {
  const t = { type: 'track', userId: 'u', timestamp: '2026-11-27T11:00:00Z' };
  const record = (n: number) => ({ timeUnixNano: `179578080000000000${n}`, body: { stringValue: 'x' } });
  const cases: [Envelope, object][] = [
    [
      segment,
      {
        sentAt: '2026-11-27T11:30:00Z',
        batch: [
          { ...t, messageId: '1' },
          { ...t, messageId: '2' },
        ],
      },
    ],
    [otlpLogs, { resourceLogs: [{ scopeLogs: [{ logRecords: [record(1), record(2)] }] }] }],
    [xAccountActivity, { for_user_id: '7', favorite_events: [{ id: '1' }, { id: '2' }] }],
  ];
  for (const [envelope, body] of cases)
    for (const item of unpack(envelope, body).items) {
      const again = envelope.unpack(item.raw!(), { received_ms: RECEIVED, carriage: 'http' }, {});
      expect(itemsOf(again)).toEqual(itemsOf({ items: [item], refused: [], gaps: [] }));
    }
});
