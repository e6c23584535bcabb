/** Whatever became of the bytes of one state, all other entities go on as if it were not there. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { processBatch } from '../../engine/ingest/process.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { StoredState } from '../../engine/ports.ts';
import { predict } from '../../engine/score/scoring.ts';
import { vectorsOf } from '../../engine/score/vectors.ts';
import { itemOf, statesOf } from '../../lambdas/aws/dynamo/state-item.ts';
import { newestStates } from '../../lambdas/scorer/newest-states.ts';
import { ARRIVAL, purchase, RULES, record, usecase } from '../engine/use-case.ts';

const { plan } = usecase;
const ENTITIES = ['ann', 'bob', 'cid', 'dan'];
const BAD = 'bob';
const later = ENTITIES.map((entity, i) => record(purchase(entity, `f-${entity}`), 100 + i));

async function process(states: MemoryStates, records: typeof later) {
  const result = await processBatch(records, RULES, {
    states: states.port(),
    quarantine: async () => {},
    reroute: () => Promise.reject(new Error('nothing is misrouted')),
    clock: null,
    onFailure: () => {},
  });
  return result;
}

/** A table in which every entity bought twelve times. @param spoil the bytes of BAD, after they were stored */
async function table(spoil: (bytes: Uint8Array) => Uint8Array): Promise<MemoryStates> {
  const states = new MemoryStates(plan);
  const bought = ENTITIES.flatMap((entity, e) =>
    Array.from({ length: 12 }, (_, i) => {
      const event_time = new Date(ARRIVAL - i * 3_600_000).toISOString();
      return record(purchase(entity, `e-${entity}-${i}`, { event_time }), 1 + e * 12 + i);
    }),
  );
  expect((await process(states, bought)).failed).toBeNull();
  const row = states.rows.get(BAD)!;
  states.rows.set(BAD, { ...row, bytes: spoil(row.bytes) });
  return states;
}

const whole = table((bytes) => bytes);

/** Some of these can still be read, and mean something else: that nobody can tell. */
const damage = fc.oneof(
  fc.nat(400).map((n) => (bytes: Uint8Array) => bytes.slice(0, n % bytes.length)),
  fc.uint8Array({ maxLength: 300 }).map((random) => () => random),
  fc.uint8Array({ maxLength: 300 }).map((random) => () => Uint8Array.from([3, ...random])),
  fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => (bytes: Uint8Array) => {
    return bytes.map((byte, i) => (i === at % bytes.length ? byte ^ flip : byte));
  }),
);

const text = (bytes: Uint8Array) => ({ B: Buffer.from(bytes).toString('base64') as unknown as Uint8Array });

test('of the processor, the scorer, the sweep and the API', async () => {
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(damage, async (spoil) => {
      const states = await table(spoil);
      const items = ENTITIES.map((id) => itemOf(plan, id, states.rows.get(id)!));
      const unreadable = new Set<string>();
      const told = (id: string) => void unreadable.add(id);

      // The scorer's images and the sweep's pages.
      const images = items.map((item) => ({ ...item, state: text(item.state!.B!) }));
      for (const found of [newestStates(plan, images, told), [...statesOf(plan, items, told)].map(named)]) {
        const candidates = found.map(({ entity_id, state }) => ({ entity_id, state, t: ARRIVAL + 86_400_000 }));
        const predictions = (await predict(usecase, MODEL, candidates, 'sweep', 0, told))!;
        const scored = predictions.map(({ entity_id }) => entity_id);
        expect(ENTITIES.filter((id) => id !== BAD)).toEqual(scored.filter((id) => id !== BAD));
      }

      const damaged = new Set<string>();
      const stored = statesOf(plan, items, (id) => void damaged.add(id));
      const answers = vectorsOf(usecase, ENTITIES, stored, ARRIVAL, { damaged, unreadable: told });
      for (const { answer } of answers) if (answer.entity_id !== BAD) expect(answer.status).toBe('found');

      const before = states.rows.get(BAD)!;
      const { failed, written, unreadable: unread } = await process(states, later);
      // No lane waits for it.
      expect(failed).toBeNull();
      expect(written).toBe(ENTITIES.length - unread);
      const expected = await whole;
      await process(expected, later);
      for (const id of ENTITIES) if (id !== BAD) expect(states.rows.get(id)).toEqual(expected.rows.get(id));
      expect([...unreadable, ...damaged].every((id) => id === BAD)).toBe(true);
      if (unread === 0) return;
      passed++;
      // The watermarks say what it lacks, so that the healing waits for the archive to hold it.
      const { bytes, watermarks, flags } = states.rows.get(BAD)!;
      expect(bytes).toEqual(before.bytes);
      expect({ watermarks, heal: flags.heal }).toEqual({ watermarks: { 'shardId-000000000000': '101' }, heal: true });
    }),
    { numRuns: 300 },
  );
  // Most damage is seen.
  expect(passed).toBeGreaterThan(150);
});

const named = ([entity_id, { state }]: readonly [string, StoredState]) => ({ entity_id, state });

const MODEL = {
  score: async (rows: readonly unknown[]) => ({
    scores: rows.map(() => ({ score: 0.5, contributions: [] })),
    variant: 'champion',
    model_version: 'm1',
  }),
};
