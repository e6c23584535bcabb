/** No partition is asked by everything: 100,000 entities through processor and archiver on a table with AWS's limits. */
import { ProvisionedThroughputExceededException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from '@jest/globals';
import { tombstoneOf } from '../../core/admission/tombstone.ts';
import type { ProcessorPorts } from '../../engine/ingest/batch.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { DynamoStates } from '../../lambdas/aws/dynamo/states.ts';
import { DynamoTombstones, putTombstone } from '../../lambdas/aws/dynamo/tombstones.ts';
import { ERASED_KEY, ERASURES_KEY } from '../../names/keys.ts';
import { purchase, RULES, record, usecase } from '../engine/use-case.ts';
import { LimitedTable } from './limited-table.ts';

const TABLE = 'features';
const ENTITIES = 100_000;
/** Of processor and archiver, as prod has them. */
const BATCH = { processor: 500, archiver: 5000 } as const;
/** Events a second: above what one partition could answer for. */
const RATE = 10_000;

function portsOn(table: LimitedTable): ProcessorPorts & { readonly lines: unknown[] } {
  const tombstones = new DynamoTombstones(table, TABLE, { now: () => table.now });
  const lines: unknown[] = [];
  return {
    states: new DynamoStates(table, TABLE, usecase.plan, tombstones),
    tombstones,
    quarantine: async (more) => void lines.push(...more),
    lines,
    reroute: () => Promise.reject(new Error('nothing is misrouted here')),
    clock: null,
    onFailure: (error) => {
      throw error;
    },
    pause: () => Promise.resolve(),
  };
}

describe('100,000 new entities', () => {
  test('are archived and created without a throttle, and hardly ask for tombstones', async () => {
    const table = new LimitedTable();
    for (let i = 0; i < 1000; i++) {
      if (i % 100 === 0) table.now += 1000;
      await putTombstone(table, TABLE, tombstoneOf(`gone-${i}`), 0);
    }
    const before = table.total('read');
    const ports = portsOn(table);
    const archiver = new DynamoTombstones(table, TABLE, { now: () => table.now });
    let erased = 0;
    for (let from = 0; from < ENTITIES; from += BATCH.archiver) {
      const ids = Array.from({ length: BATCH.archiver }, (_, i) =>
        i === 7 ? `gone-${from / BATCH.archiver}` : `e${from + i}`,
      );
      expect((await archiver.erased(ids)).size).toBe(1);
      for (let at = 0; at < ids.length; at += BATCH.processor) {
        table.now += (BATCH.processor / RATE) * 1000;
        const batch = ids
          .slice(at, at + BATCH.processor)
          .map((id, i) => record(purchase(id, `${id}-1`), from + at + i + 1));
        const result = await processBatch(batch, RULES, ports);
        expect(result.failed).toBeNull();
        erased += result.erased;
      }
    }
    expect(erased).toBe(ENTITIES / BATCH.archiver);
    expect(table.throttled).toBe(0);
    const asked = [ERASED_KEY, ERASURES_KEY].map((key) => table.units.read.get(key) ?? 0);
    // Once a second each of the two asks whether the list has changed, and reads it once.
    const seconds = ENTITIES / RATE;
    expect(asked[1]).toBeLessThanOrEqual(2 * (seconds + 1));
    expect(asked[0]).toBeLessThanOrEqual(2 * 40);
    // The rest are the states themselves: one unit each, and one written.
    expect(table.total('read') - before - asked[0]! - asked[1]!).toBe(ENTITIES);
    expect(table.hottest('write')[1]).toBeLessThanOrEqual(2 * 2 * 1000);
  }, 300_000);

  test('a refused record that names 59,000 entities costs two requests', async () => {
    const table = new LimitedTable();
    await putTombstone(table, TABLE, tombstoneOf('gone'), 0);
    table.now += 1000;
    const ports = portsOn(table);
    const names = Array.from({ length: 59_000 }, (_, i) => `"entity_id":"x${i}"`).join();
    const batch = [record(`{${names}`, 1, { key: 'a' }), record(`{${names},"entity_id":"gone"`, 2, { key: 'a' })];
    const read = table.total('read');
    const result = await processBatch(batch, RULES, ports);
    expect(result).toMatchObject({ failed: null, erased: 1 });
    expect(ports.lines).toHaveLength(1);
    expect(table.total('read') - read).toBe(2);
  });
});

describe('the list of tombstones', () => {
  const options = (table: LimitedTable) => ({ now: () => table.now });

  test('is right a second after a change, whoever made it a minute after', async () => {
    const table = new LimitedTable();
    const tombstones = new DynamoTombstones(table, TABLE, options(table));
    expect(await tombstones.erased(['ann', 'bob'])).toEqual(new Set());
    await putTombstone(table, TABLE, tombstoneOf('ann'), 0);
    table.now += 1000;
    expect(await tombstones.erased(['ann', 'bob'])).toEqual(new Set(['ann']));
    const Item = { entity_id: { S: ERASED_KEY }, view: { S: tombstoneOf('bob') } };
    await table.send(new PutItemCommand({ TableName: TABLE, Item }));
    table.now += 60_000;
    expect(await tombstones.erased(['ann', 'bob'])).toEqual(new Set(['ann', 'bob']));
  });

  test('is asked once by many at the same time, and again after a failure', async () => {
    const table = new LimitedTable();
    const tombstones = new DynamoTombstones(table, TABLE, options(table));
    await Promise.all(Array.from({ length: 16 }, (_, i) => tombstones.erased([`e${i}`])));
    expect(table.units.read.get(ERASURES_KEY)).toBe(1);
    table.now += 1000;
    const dry = new LimitedTable({ read: 0, write: 0 });
    const starved = new DynamoTombstones(dry, TABLE, options(dry));
    await expect(starved.erased(['ann'])).rejects.toThrow('no units left');
    await expect(starved.erased(['ann'])).rejects.toThrow('no units left');
  });

  test('of 20,000 is read in pages, whole', async () => {
    const table = new LimitedTable({ read: 1e9, write: 1e9 });
    for (let i = 0; i < 20_000; i++) await putTombstone(table, TABLE, tombstoneOf(`gone-${i}`), 0);
    const tombstones = new DynamoTombstones(table, TABLE, options(table));
    const ids = ['gone-0', 'gone-19999', 'gone-20000'];
    expect(await tombstones.erased(ids)).toEqual(new Set(['gone-0', 'gone-19999']));
  });
});

test('a partition that answers a part of a read: the rest is asked for again, and every state is right', async () => {
  // The model has one partition a key, so a read of many is cut short where single keys are exhausted.
  const table = new LimitedTable({ read: 1, write: 1000 });
  const states = new DynamoStates(table, TABLE, usecase.plan, { erased: async () => new Set() });
  const batch = Array.from({ length: 200 }, (_, i) => record(purchase(`e${i}`, `${i}`), i + 1));
  const ports = { ...portsOn(table), states, tombstones: undefined };
  expect(await processBatch(batch, RULES, ports)).toMatchObject({ failed: null, written: 200 });
  table.now += 1000;
  expect((await states.read(['e1', 'e3'])).size).toBe(2);
  // The SDK tries again when nothing at all was answered; meanwhile, time goes on.
  const all = Array.from({ length: 100 }, (_, i) => `e${i}`);
  const patiently = async (): Promise<number> => {
    try {
      return (await states.read(all)).size;
    } catch (error) {
      if (!(error instanceof ProvisionedThroughputExceededException)) throw error;
      table.now += 1000;
      return patiently();
    }
  };
  expect(await patiently()).toBe(100);
  expect(table.throttled).toBeGreaterThan(0);
});
