import { describe, expect, test } from '@jest/globals';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import type { RejectionReason } from '../../core/ir/rejection.ts';
import { finalise } from '../../core/state/finalise.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import type { StateStore } from '../../engine/ports.ts';
import { World } from './processor-world.ts';
import { ARRIVAL, purchase, record, usecase } from './use-case.ts';

const text = (json: string) => Buffer.from(json, 'utf8');
const future = new Date(ARRIVAL + 3_600_000).toISOString();
const good = JSON.stringify(purchase('ann', 'e1'));

const BAD: readonly (readonly [string, Uint8Array, RejectionReason])[] = [
  ['malformed JSON', text(good.slice(0, -1)), 'MALFORMED_JSON'],
  ['NaN', text(good.replace('100', 'NaN')), 'MALFORMED_JSON'],
  ['Infinity', text(good.replace('100', '-Infinity')), 'MALFORMED_JSON'],
  ['a number too large for a double', text(good.replace('100', '1e999')), 'INVALID_FIELD'],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'INVALID_UTF8'],
  ['an array', text('[1]'), 'NOT_AN_OBJECT'],
  ['nothing', text(''), 'MALFORMED_JSON'],
  ['NUL bytes', Buffer.alloc(16), 'MALFORMED_JSON'],
  ['an oversize record', text(`${good}${' '.repeat(300 * 1024)}`), 'OVERSIZE'],
  ['a __proto__ key', text(good.replace('"shop":"a"', '"__proto__":{"x":1}')), 'FORBIDDEN_KEY'],
  ['an escaped __proto__ key', text(good.replace('"shop"', '"__pr\\u006fto__"')), 'FORBIDDEN_KEY'],
  ['an unknown type', text(good.replace('"buy"', '"sell"')), 'UNKNOWN_EVENT_TYPE'],
  ['a wrong version', text(good.replace('"schema_version":1', '"schema_version":9')), 'UNSUPPORTED_SCHEMA_VERSION'],
  ['a missing entity', text(JSON.stringify(purchase('ann', 'e1', { entity_id: undefined }))), 'MISSING_ENTITY'],
  ['an entity of ours', text(JSON.stringify(purchase('#clock', 'e1'))), 'INVALID_FIELD'],
  ['a future time', text(JSON.stringify(purchase('ann', 'e1', { event_time: future }))), 'EVENT_TIME_IN_FUTURE'],
  [
    'a time without a zone',
    text(JSON.stringify(purchase('ann', 'e1', { event_time: '2017-06-01T00:00:00' }))),
    'INVALID_EVENT_TIME',
  ],
  ['a missing field', text(JSON.stringify(purchase('ann', 'e1', { properties: {} }))), 'MISSING_FIELD'],
  [
    'a value out of range',
    text(JSON.stringify(purchase('ann', 'e1', { properties: { amount: 1e7 } }))),
    'OUT_OF_RANGE',
  ],
  [
    'another enum value',
    text(JSON.stringify(purchase('ann', 'e1', { properties: { amount: 1, shop: 'z' } }))),
    'NOT_IN_ENUM',
  ],
];

describe('bad input', () => {
  test.each(BAD)('%s is quarantined with its bytes, and delays nobody', async (_name, data, reason) => {
    const world = new World();
    const batch = [
      record(purchase('ann', 'before'), 1),
      record(data, 2, { key: 'ann' }),
      record(purchase('ann', 'after'), 3),
    ];
    const result = await world.run(batch);
    expect(result).toMatchObject({ failed: null, applied: 2, quarantined: new Map([[reason, 1]]) });
    expect(world.lines).toEqual([
      expect.objectContaining({ reason, sequence_number: '2', raw_base64: Buffer.from(data).toString('base64') }),
    ]);
    expect(world.lines[0]!.detail).not.toContain('till');
    expect(world.states.rows.get('ann')?.watermarks).toEqual({ 'shardId-000000000000': '3' });
  });

  test('an id seen before is counted once and quarantined', async () => {
    const world = new World();
    await world.run([record(purchase('ann', 'e1'), 1)]);
    const result = await world.run([record(purchase('ann', 'e1'), 2), record(purchase('ann', 'e2'), 3)]);
    expect(result).toMatchObject({ applied: 1, duplicates: 1, failed: null });
    expect(world.lines).toMatchObject([{ reason: 'DUPLICATE_EVENT_ID', sequence_number: '2' }]);
  });

  test('only bad records write no state and move no clock', async () => {
    const world = new World();
    await world.run([record('{', 1)]);
    expect(world.states.rows.size).toBe(0);
    expect(world.now).toBeNull();
  });
});

describe('quarantine', () => {
  test('a redelivery that refuses fewer records takes nothing away', async () => {
    const world = new World();
    await world.run([record(purchase('ann', 'e1'), 1)]);
    const batch = [record('{', 2), record(purchase('ann', 'e1'), 3), record('}', 4)];
    await world.run(batch);
    await world.run(batch);
    const positions = new Set(world.lines.map((line) => line.sequence_number));
    expect([...positions].sort()).toEqual(['2', '3', '4']);
  });

  test('a redelivery that refuses the same records writes the same object', async () => {
    const world = new World();
    for (let i = 0; i < 3; i++) await world.run([record('{', 2), record('}', 4)]);
    expect(world.lake.objects.size).toBe(1);
    expect([...world.lake.objects.keys()][0]).toMatch(
      /^archive\/quarantine\/dt=2017-06-01\/shardId-0{12}\/2-4-[0-9a-f]{12}\.ndjson\.gz$/,
    );
  });

  test('comes before the states: while it fails, no watermark moves', async () => {
    const world = new World();
    const batch = [record('{', 1), record(purchase('ann', 'e1'), 2)];
    await expect(world.run(batch, { quarantine: () => Promise.reject(new Error('no bucket')) })).rejects.toThrow(
      'no bucket',
    );
    expect(world.states.rows.size).toBe(0);
  });

  test('comes before the states in every portion of a large batch, and what was written before it stays', async () => {
    const world = new World();
    const batch = Array.from({ length: 250 }, (_, i) => record(purchase(`c-${i}`, `e${i}`), i + 1));
    batch.push(record(purchase('c-240', 'e240'), 251));
    const read: number[] = [];
    const states = world.states.port();
    const counted: StateStore = { ...states, read: (ids) => states.read(ids).finally(() => read.push(ids.length)) };
    await expect(
      world.run(batch, { states: counted, quarantine: () => Promise.reject(new Error('no bucket')) }),
    ).rejects.toThrow('no bucket');
    expect(read).toEqual([100, 100, 50]);
    expect([...world.states.rows.keys()]).toEqual(batch.slice(0, 200).map((_, i) => `c-${i}`));
    const again = await world.run(batch);
    expect(again).toMatchObject({ applied: 50, skipped: 200, duplicates: 1, failed: null });
    expect(world.states.rows.size).toBe(250);
    expect(world.lines).toMatchObject([{ reason: 'DUPLICATE_EVENT_ID', sequence_number: '251' }]);
  });

  test('a duplicate that only shows after a lost write is refused too', async () => {
    const world = new World();
    const states = world.states.port();
    let other = async () => {
      other = async () => {};
      await world.run([record(purchase('ann', 'e1'), 7, { shard: 'shardId-000000000001' })]);
    };
    const slow: StateStore = {
      ...states,
      write: async (...args) => {
        await other();
        return states.write(...args);
      },
    };
    const result = await world.run([record(purchase('ann', 'e1'), 1)], { states: slow });
    expect(result).toMatchObject({ conflicts: 1, applied: 0, duplicates: 1, failed: null });
    expect(world.lines).toMatchObject([{ reason: 'DUPLICATE_EVENT_ID', sequence_number: '1' }]);
  });
});

describe('failures', () => {
  test('the lowest position of the entities that failed is delivered again; the others are done', async () => {
    const world = new World();
    const states = world.states.port();
    const failing: StateStore = {
      ...states,
      write: (id, ...rest) => (id === 'ann' ? states.write(id, ...rest) : Promise.reject(new Error('throttled'))),
    };
    const batch = [
      record(purchase('ann', 'e1'), 8),
      record(purchase('bob', 'e2'), 9),
      record(purchase('cy', 'e3'), 10),
      record(purchase('bob', 'e4'), 11),
    ];
    expect((await world.run(batch, { states: failing })).failed).toBe('9');
    expect([...world.states.rows.keys()]).toEqual(['ann']);
    expect(world.errors).toHaveLength(2);
  });

  test('a write that is always beaten ends, and is delivered again', async () => {
    const world = new World();
    let tries = 0;
    const write = async () => {
      tries++;
      return 'conflict' as const;
    };
    const states: StateStore = { ...world.states.port(), write };
    const result = await world.run([record(purchase('ann', 'e1'), 5)], { states });
    expect(result).toMatchObject({ failed: '5', applied: 0 });
    expect(tries).toBeLessThan(20);
  });

  test('a state that would be too large goes to the quarantine, and blocks nobody', async () => {
    const world = new World(300);
    const note = 'n'.repeat(1000);
    const large = purchase('ann', 'e1', { properties: { amount: 1, note } });
    const result = await world.run([record(large, 1), record(purchase('bob', 'e2'), 2)]);
    expect(result).toMatchObject({ failed: null, applied: 1, quarantined: new Map([['OVERSIZE', 1]]) });
    expect([...world.states.rows.keys()]).toEqual(['bob']);
  });
});

describe('a sum that is full', () => {
  test('refuses the event that would leave the exact range, and no other', async () => {
    const world = new World();
    const event: CanonicalEvent = {
      event_id: 'e0',
      entity_id: 'ann',
      event_type: 'buy',
      event_time: ARRIVAL - 60_000,
      source_time: null,
      source: '',
      schema_version: 1,
      properties: { amount: Number.MAX_SAFE_INTEGER - 150 },
      available_at: ARRIVAL - 60_000,
      shard_id: 'another',
      sequence_number: '1',
    };
    const { state } = applyEvents(usecase.plan, emptyState(usecase.plan), [event]);
    await world.states.port().write('ann', state, null);
    const batch = [1, 2, 3].map((n) => record(purchase('ann', `e${n}`), n));
    const small = record(purchase('ann', 'e4', { properties: { amount: 50 } }), 4);
    const result = await world.run([...batch, record(purchase('bob', 'b'), 5), small]);
    expect(result).toMatchObject({ failed: null, applied: 3, quarantined: new Map([['DECIMAL_OVERFLOW', 2]]) });
    expect(world.lines.map(({ sequence_number }) => sequence_number)).toEqual(['2', '3']);
    const stored = world.states.get(['ann']).get('ann')!;
    expect(finalise(usecase.plan, stored.state, ARRIVAL + 10).slice(0, 2)).toEqual([3, Number.MAX_SAFE_INTEGER]);
    // Delivered again: what was applied is skipped, what was refused is refused again, into the same object.
    expect(await world.run(batch)).toMatchObject({ failed: null, applied: 0 });
  });
});

describe('routing and time', () => {
  test('a record under another key is put again under its entity, and not applied here', async () => {
    const world = new World();
    const lost = record(purchase('ann', 'e1'), 1, { key: 'bob' });
    const result = await world.run([lost]);
    expect(result).toMatchObject({ misrouted: 1, applied: 0, failed: null });
    expect(world.rerouted).toEqual([{ entity_id: 'ann', data: lost.data }]);
    expect(world.states.rows.size).toBe(0);
  });

  test('a record that can not be put again is delivered again', async () => {
    const world = new World();
    const batch = [record(purchase('bob', 'e0'), 3), record(purchase('ann', 'e1'), 4, { key: 'bob' })];
    expect((await world.run(batch, { reroute: () => Promise.reject(new Error('throttled')) })).failed).toBe('4');
  });

  test('the clock of a replay is 1 ms after the newest arrival', async () => {
    const world = new World();
    await world.run([record(purchase('ann', 'e1'), 9), record(purchase('bob', 'e2'), 5)]);
    expect(world.now).toBe(ARRIVAL + 10);
  });
});
