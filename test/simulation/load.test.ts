/** One entity with a thousand events a second, floods of events about nobody, and five years of history: all stay bounded. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { admit } from '../../core/admission/admit.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import { finalise } from '../../core/state/finalise.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { DAY } from '../../core/values/time.ts';
import { purchase, RULES, record, usecase } from '../engine/use-case.ts';
import { busy, Processor, Shard } from './busy.ts';

const START = Date.UTC(2026, 0, 5);
/** The most that Lambda hands over at once. */
const BATCH = 10_000;
const KILOBYTE = 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** ms of the median of some runs: one pause of the machine decides nothing. */
function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1]!;
}

function purchaseAt(i: number): CanonicalEvent {
  const { data, position } = record(purchase('hot', `e${i}`), i + 1);
  const admitted = admit(data, position, RULES.contracts, RULES.admit);
  if (!admitted.ok) throw new Error(admitted.detail);
  return admitted.event;
}

function featureOf(entity: string, processor: Processor, name: string): unknown {
  const { state } = processor.states.get([entity]).get(entity)!;
  const at = busy.view.features.findIndex((feature) => feature.name === name);
  return finalise(busy.plan, state, state.newest_available_at + 1)[at];
}

describe('a hot entity', () => {
  test('1,000 events a second on one key: one read and one write a batch, and a state that stops growing', async () => {
    const [processor, shard] = [new Processor(), new Shard()];
    const cold = Array.from({ length: 50 }, (_, i) => `cold-${i}`);
    const [bytes, times]: [number[], number[]] = [[], []];
    const batches = 24;
    for (let b = 0; b < batches; b++) {
      const batch = Array.from({ length: BATCH }, (_, i) => {
        const n = b * BATCH + i;
        const arrival = START + n;
        // Among the others, each cold entity once; and a purchase is given back now and then.
        if (i % 200 === 7) return shard.buy(cold[(i - 7) / 200]!, b, arrival);
        return i % 100 === 99 ? shard.refund('hot', n - 50, arrival) : shard.buy('hot', n, arrival);
      });
      const before = { ...processor.calls };
      const from = performance.now();
      const result = await processor.run(batch);
      times.push(performance.now() - from);
      expect(result).toMatchObject({ failed: null, applied: BATCH, written: 51, conflicts: 0 });
      expect(processor.calls).toEqual({ read: before.read + 1, write: before.write + 51, put: before.put });
      bytes.push(processor.bytesOf('hot'));
    }
    // Every cold entity has all of its own.
    for (const entity of cold) expect(featureOf(entity, processor, 'buys')).toBe(batches);
    expect(featureOf('hot', processor, 'buys')).toBe(batches * (BATCH - 50 - 200));
    expect(Math.max(...bytes)).toBeLessThan(64 * KILOBYTE);
    // A day's tiles at this rate are as large as an hour's: after the first minute only the digits grow.
    expect(bytes.at(-1)! / bytes[5]!).toBeLessThan(1.1);
    expect(median(times.slice(-5)) / median(times.slice(2, 7))).toBeLessThan(4);
  });

  test('an event costs the same in a small batch and in the largest', () => {
    const events = Array.from({ length: BATCH }, (_, i) => purchaseAt(i));
    const fold = (size: number) => {
      const from = performance.now();
      for (let at = 0; at < BATCH; at += size)
        applyEvents(usecase.plan, emptyState(usecase.plan), events.slice(at, at + size));
      return performance.now() - from;
    };
    const [small, large]: [number[], number[]] = [[], []];
    for (let round = 0; round < 15; round++) {
      small.push(fold(500));
      large.push(fold(BATCH));
    }
    // Twenty times where the cost of an event grew with its batch.
    expect(median(large) / median(small)).toBeLessThan(4);
  });
});

describe('events about nobody', () => {
  const nobody = [{ entity_id: undefined }, { entity_id: '' }, { entity_id: null }];

  test('a flood is quarantined, and delays and changes nothing else', async () => {
    const lines: string[] = [];
    const [flooded, clean] = [
      new Processor((some) => lines.push(...some.map(({ reason }) => reason))),
      new Processor(),
    ];
    const [shard, twin] = [new Shard(), new Shard()];
    const batch = Array.from({ length: BATCH }, (_, i) => {
      const good = i % 20 === 0;
      return shard.buy(good ? `c-${i % 500}` : 'nobody', i, START + i, good ? {} : nobody[i % 3]);
    });
    const calm = Array.from({ length: BATCH }, (_, i) => twin.buy(`c-${i % 500}`, i, START + i)).filter(
      (_, i) => i % 20 === 0,
    );
    const result = await flooded.run(batch);
    await clean.run(calm);
    expect(result).toMatchObject({ failed: null, applied: 500, quarantined: new Map([['MISSING_ENTITY', 9500]]) });
    expect(lines).toHaveLength(9500);
    // The same requests, and one object for all of the refused.
    expect(flooded.calls).toEqual({ ...clean.calls, put: 1 });
    expect([...flooded.states.rows].map(([id, { bytes }]) => [id, Buffer.from(bytes).toString('hex')])).toEqual(
      [...clean.states.rows].map(([id, { bytes }]) => [id, Buffer.from(bytes).toString('hex')]),
    );
  });

  test('memory does not grow with the flood', async () => {
    let refused = 0;
    const processor = new Processor((some) => {
      refused += some.length;
    });
    const shard = new Shard();
    const flood = async (batches: number) => {
      for (let b = 0; b < batches; b++) {
        const batch = Array.from({ length: BATCH }, (_, i) => shard.buy('nobody', i, START, nobody[i % 3]));
        expect((await processor.run(batch)).failed).toBeNull();
      }
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await flood(3);
    const after = await flood(20);
    expect(refused).toBe(23 * BATCH);
    expect(processor.states.rows.size).toBe(0);
    // 200,000 refused records of more than 200 bytes came and went.
    expect(after - before).toBeLessThan(16 * KILOBYTE * KILOBYTE);
  });
});

describe('five years of history', () => {
  const EVERY = DAY / 48;

  test('bytes and time depend on the retention, not on the age of the entity', async () => {
    const [processor, shard] = [new Processor(), new Shard()];
    const [bytes, times]: [number[], number[]] = [[], []];
    let n = 0;
    for (let year = 0; year < 5; year++) {
      const days: number[] = [];
      for (let day = 0; day < 365; day++) {
        const batch = Array.from({ length: 48 }, () => shard.buy('old', ++n, START + n * EVERY));
        const from = performance.now();
        await processor.run(batch);
        days.push(performance.now() - from);
      }
      bytes.push(processor.bytesOf('old'));
      times.push(median(days));
    }
    expect(featureOf('old', processor, 'buys')).toBe(5 * 365 * 48);
    expect(featureOf('old', processor, 'known_for')).toBe((n - 1) * EVERY + 1);
    expect(Math.max(...bytes)).toBeLessThan(64 * KILOBYTE);
    expect(Math.max(...bytes) / bytes[0]!).toBeLessThan(1.02);
    expect(times[4]! / times[1]!).toBeLessThan(4);
    // What comes five years late is in no window any more: only the lifetime takes it.
    const size = processor.bytesOf('old');
    const late = Array.from({ length: 1000 }, (_, i) => ({
      event_id: `late-${i}`,
      event_time: START + i * 13 * EVERY,
    }));
    await processor.run(late.map((over, i) => shard.buy('old', i, START + n * EVERY + 1, over)));
    expect(featureOf('old', processor, 'buys')).toBe(5 * 365 * 48 + 1000);
    expect(processor.bytesOf('old') / size).toBeLessThan(1.05);
  });
});
