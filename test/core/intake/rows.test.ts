/** Rows of files: what stands for nothing, what makes an id, and times as people write them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { at, contract, count, defineUseCase, field, rule, source } from '../../../core/definition/define.ts';
import { compileSource } from '../../../core/intake/intake.ts';
import type { TimeZoneIR } from '../../../core/ir/document.ts';
import { timeReader } from '../../../core/values/time-pattern.ts';
import { localClock } from '../../../core/values/time-zone.ts';

const order = contract('order', 1, { fields: { amount: field.decimal(2, { required: false }), paid: field.bool() } });

const useCase = (format: string, timeZone?: string) =>
  defineUseCase({
    ...{ name: 'shop', entity: 'customer', contracts: [order] },
    views: { shop: { entity: 'customer', features: { n: count({ of: order, window: '7d' }) } } },
    sources: [
      source('orders', {
        envelope: 'rows',
        options: { nulls: ['NA', ''] },
        via: [{ kind: 'files' }],
        map: [
          rule({
            event: order,
            entity: at('/customer'),
            time: { from: '/day', format, ...(timeZone && { timeZone }) },
            properties: { amount: at('/amount'), paid: at('/paid', { as: field.bool() }) },
          }),
        ],
      }),
    ],
  });

const ir = useCase('dd/MM/yyyy HH:mm', 'Europe/London');
const take = compileSource(ir.sources![0]!, ir.contracts);
const ROW = { customer: '0042', day: '3/7/2026 09:30', amount: '19.90', paid: 'yes' };
const taken = (row: unknown, copy?: number) =>
  take(Buffer.from(JSON.stringify(row)), { received_ms: 0, carriage: 'files', detail: { copy } });
const event = (row: unknown, copy?: number) => JSON.parse(Buffer.from(taken(row, copy).events[0]!.data).toString());

describe('a row', () => {
  test('is an event of its map, at the time of the clock that its zone has', () => {
    expect(event(ROW)).toEqual({
      event_id: expect.stringMatching(/^orders:[0-9a-f]{32}$/),
      ...{ entity_id: '0042', event_type: 'order', event_time: '2026-07-03T08:30:00.000Z' },
      ...{ source: 'orders', schema_version: 1, properties: { amount: '19.90', paid: true } },
    });
  });

  test('has the id of its content, whatever the order of its columns, and of its place among equal rows', () => {
    const { event_id } = event(ROW);
    expect(event(Object.fromEntries(Object.entries(ROW).reverse())).event_id).toBe(event_id);
    expect(event(ROW, 0).event_id).toBe(event_id);
    expect(event(ROW, 2).event_id).toBe(`${event_id}.2`);
    expect(event({ ...ROW, amount: '19.91' }).event_id).not.toBe(event_id);
  });

  test('has nothing where it says so in a text that was declared', () => {
    expect(event({ ...ROW, amount: ' NA ' }).properties).toEqual({ paid: true });
    expect(event({ ...ROW, amount: '' }).properties).toEqual({ paid: true });
    expect(event({ ...ROW, amount: 'N/A' }).properties.amount).toBe('N/A');
  });

  test('gives what a binary float adds as text, and a number beyond 2^53 as it came', () => {
    expect(event({ ...ROW, amount: 29.330000000000002 }).properties.amount).toBe('29.330000000000002');
    expect(event({ ...ROW, amount: 29.33 }).properties.amount).toBe(29.33);
    expect(event({ ...ROW, amount: 2 ** 60 }).properties.amount).toBe(2 ** 60);
  });

  test('is refused when it is no object, or its time is none of the pattern', () => {
    expect(taken([1]).refused).toEqual([expect.objectContaining({ reason: 'NOT_AN_OBJECT' })]);
    const [refused] = taken({ ...ROW, day: '31/02/2026 09:30' }).refused;
    expect(refused).toMatchObject({
      reason: 'INVALID_EVENT_TIME',
      detail: 'time: found string that is not a time in dd/MM/yyyy HH:mm; allowed: dd/MM/yyyy HH:mm',
    });
  });
});

interface TimeCase {
  readonly pattern: string;
  readonly value: unknown;
  readonly expect: string | null;
}

describe('a pattern of times', () => {
  // Python reads the same cases: test/python/spark/test_time_patterns.py.
  const shared = JSON.parse(readFileSync('test/conformance/intake/times.json', 'utf8')) as {
    readonly time_zone: TimeZoneIR;
    readonly cases: readonly TimeCase[];
  };

  test.each(shared.cases)('$pattern reads $value as $expect', ({ pattern, value, expect: expected }) => {
    const read = timeReader(pattern)!(value, localClock(shared.time_zone));
    expect('value' in read ? new Date(read.value).toISOString() : null).toBe(expected);
  });

  test.each([
    'dd/MM',
    'yyyy-MM-dd-dd',
    'yyyy-MM-dd hh:mm',
    'yyyy-MM-dd HH:mm a',
    'yyyy-MM-MMM-dd',
    'yyyy-MM-dd EEE',
    'iso',
  ])('%s is none', (format) => {
    expect(() => useCase(format, 'UTC')).toThrow('or a pattern such as dd/MM/yyyy HH:mm');
  });

  test('needs a zone', () => {
    expect(() => useCase('yyyy-MM-dd')).toThrow(
      'sources.orders.map.0.time.timeZone: found none for times such as yyyy-MM-dd; allowed: where they are at home, such as Europe/London',
    );
  });
});
