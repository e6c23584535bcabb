import { describe, expect, test } from '@jest/globals';
import { Faults } from '../../engine/memory/faults.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { World } from './processor-world.ts';
import { old, purchase, record } from './use-case.ts';

describe('a version that was released before', () => {
  /** @param maxBytes what a state of the new version may have */
  function worlds(maxBytes?: number) {
    const [world, before] = [new World(maxBytes), new MemoryStates(old.plan)];
    const previous = { plan: old.plan, states: before.port() };
    return { world, before, run: (batch: readonly StreamRecord[]) => world.run(batch, { previous }) };
  }

  test('is kept up beside the new one; events and copies are counted once', async () => {
    const { world, before, run } = worlds();
    const batch = [
      record(purchase('ann', 'e1'), 1),
      record(purchase('bob', 'e2'), 2),
      record(purchase('ann', 'e1'), 3),
      record('{', 4),
    ];
    expect(await run(batch)).toMatchObject({ applied: 2, duplicates: 1, written: 4, failed: null });
    expect(world.lines.map(({ reason }) => reason).sort()).toEqual(['DUPLICATE_EVENT_ID', 'MALFORMED_JSON']);
    for (const states of [world.states, before]) {
      expect([...states.rows].map(([id, { watermarks }]) => [id, Object.values(watermarks)])).toEqual([
        ['ann', ['3']],
        ['bob', ['2']],
      ]);
    }
    expect(await run(batch)).toMatchObject({ applied: 0, duplicates: 0, skipped: 3, written: 0, failed: null });
  });

  test('a record that only one version can hold is refused once, and stands in the other', async () => {
    const { world, before, run } = worlds(1);
    const result = await run([record(purchase('ann', 'e1'), 1)]);
    expect(result).toMatchObject({ applied: 1, written: 1, failed: null, quarantined: new Map([['OVERSIZE', 1]]) });
    expect(world.lines).toMatchObject([{ reason: 'OVERSIZE', sequence_number: '1' }]);
    expect([world.states.rows.size, before.rows.size]).toEqual([0, 1]);
  });

  test('a record that neither version can hold is refused once', async () => {
    const world = new World(1);
    const previous = { plan: old.plan, states: new MemoryStates(old.plan, { max_bytes: 1 }).port() };
    const result = await world.run([record(purchase('ann', 'e1'), 1)], { previous });
    expect(result).toMatchObject({ applied: 0, written: 0, failed: null, quarantined: new Map([['OVERSIZE', 1]]) });
  });

  test('a write that fails in one version delivers the record again, and the other skips it', async () => {
    const { world, before } = worlds();
    const faults = new Faults((call) => (call === 'write' ? 'before' : 'none'));
    const batch = [record(purchase('ann', 'e1'), 1)];
    for (const [fault, failed] of [
      [faults, '1'],
      [new Faults(), null],
    ] as const) {
      const previous = { plan: old.plan, states: before.port(fault) };
      expect(await world.run(batch, { previous })).toMatchObject({ failed });
    }
    expect([world.states.rows.get('ann')!.revision, before.rows.get('ann')!.revision]).toEqual([1, 1]);
    expect(world.lines).toEqual([]);
  });
});
