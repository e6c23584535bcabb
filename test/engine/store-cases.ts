/** What a store of states and one of scores promise, whatever is behind it: in memory here, on DynamoDB in test/lambdas. */
import { expect, test } from '@jest/globals';
import { admit } from '../../core/admission/admit.ts';
import { encodeState } from '../../core/state/codec.ts';
import { applyEvents, type EntityState, emptyState } from '../../core/state/state.ts';
import { type ScoreRecord, type ScoreStore, type StateStore, type Turns, WHOLE } from '../../engine/ports.ts';
import { purchase, RULES, record, usecase } from './use-case.ts';

const { plan, view } = usecase;
const SHARD = 'shardId-000000000000';

/** Of one customer, after purchases at these positions. */
export function stateAfter(...sequences: readonly number[]): EntityState {
  const events = sequences.map((sequence) => {
    const { data, position } = record(
      purchase('ann', `e${sequence}`, { properties: { amount: 5, note: 'é' } }),
      sequence,
    );
    const admitted = admit(data, position, RULES.contracts, RULES.admit);
    if (!admitted.ok) throw new Error(admitted.detail);
    return admitted.event;
  });
  return applyEvents(plan, emptyState(plan), events).state;
}

export function stateStoreCases(store: () => StateStore): void {
  test('what is written is read again, with its watermarks and revision', async () => {
    const state = stateAfter(1, 2);
    expect(await store().write('again', state, null)).toBeGreaterThan(20);
    const found = await store().read(['again', 'nobody']);
    expect([...found.keys()]).toEqual(['again']);
    const { state: stored, revision, flags = WHOLE } = found.get('again')!;
    expect([revision, flags, stored.watermarks]).toEqual([1, WHOLE, state.watermarks]);
    expect(encodeState(plan, stored)).toEqual(encodeState(plan, state));
  });

  test('only the revision that was read may be replaced, and only once', async () => {
    expect(await store().write('race', stateAfter(1), null)).not.toBe('conflict');
    expect(await store().write('race', stateAfter(1), null)).toBe('conflict');
    const at = store();
    const both = await Promise.all([at.write('race', stateAfter(1, 2), 1), at.write('race', stateAfter(1, 3), 1)]);
    expect(both.filter((size) => size === 'conflict')).toHaveLength(1);
    expect((await at.read(['race'])).get('race')?.revision).toBe(2);
  });

  test('what is passed over moves the watermarks, never back, and asks for the healing', async () => {
    const flags = { ...WHOLE, whole: false, seeded: true };
    await store().write('passed', stateAfter(1, 5), null, flags);
    expect(await store().pass!('passed', { [SHARD]: '3', another: '7' })).toBe(true);
    const stored = (await store().read(['passed'])).get('passed')!;
    expect(stored.state.watermarks).toEqual({ [SHARD]: '5', another: '7' });
    expect([stored.revision, stored.flags]).toEqual([2, { ...flags, heal: true }]);
    expect(await store().pass!('nobody', { [SHARD]: '3' })).toBe(false);
  });
}

export const scoreRecord = (entity_id: string, t: number): ScoreRecord => ({
  entity_id,
  t,
  score: 0.91,
  variant: 'champion',
  experiment: null,
  model_version: 'm1',
  definition_hash: view.definition_hash,
  trigger: 'sweep',
  reasons: ['nothing bought for 20 days'],
  alert_state: { armed: false, last_alert_t: t },
});
export const alert = {
  alert_id: 'id',
  title: 'A customer is leaving',
  link: 'https://example.org/c',
  disposition: { as: 'told' as const },
};

export function scoreStoreCases(store: () => ScoreStore): void {
  test('score and alert are written together, or not at all', async () => {
    expect(await store().write(scoreRecord('ann', 1000), null, alert)).toBe(true);
    expect(await store().write(scoreRecord('ann', 2000), null, alert)).toBe(false);
    expect((await store().read(['ann', 'nobody'])).get('ann')).toEqual({
      t: 1000,
      model_version: 'm1',
      experiment: null,
      alert_state: { armed: false, last_alert_t: 1000 },
      revision: 1,
    });
    expect(await store().write(scoreRecord('ann', 3000), 1, null)).toBe(true);
    expect(await store().write(scoreRecord('ann', 4000), 1, null)).toBe(false);
    // The alert of that instant is there already.
    expect(await store().write(scoreRecord('ann', 1000), 2, alert)).toBe(false);
    expect((await store().read(['ann'])).get('ann')).toMatchObject({ t: 3000, revision: 2 });
  });
}

/** What turns promise. @param scores the store that they are of, without any other alert that waits */
export function turnsCases(scores: () => ScoreStore, turns: () => Turns): void {
  const waits = { ...alert, disposition: { as: 'waits', worth: 250, zone: 'Europe/Berlin' } } as const;
  const raise = async (entity_id: string, t: number, score = 0.9) => {
    const before = (await scores().read([entity_id])).get(entity_id);
    const record = { ...scoreRecord(entity_id, t), score };
    expect(await scores().write(record, before?.revision ?? null, { ...waits, alert_id: `${entity_id}-${t}` })).toBe(
      true,
    );
  };
  const find = async (entity_id: string) => (await turns().waiting()).filter((one) => one.entity_id === entity_id);

  test('an alert waits with its worth, its zone and the newest score, one an entity', async () => {
    await raise('wait', 1000);
    await raise('wait', 2000, 0.95);
    const newest = { entity_id: 'wait', t: 2000, score: 0.95, worth: 250, zone: 'Europe/Berlin' };
    expect(await find('wait')).toEqual([expect.objectContaining(newest)]);
    const fallen = { ...scoreRecord('wait', 3000), score: 0.2 };
    expect(await scores().write(fallen, 2, null)).toBe(true);
    expect(await find('wait')).toEqual([expect.objectContaining({ ...newest, score: 0.2 })]);
  });

  test('a release is counted, within the capacity, and once', async () => {
    await raise('first', 1000);
    await raise('second', 1000);
    const [[first], [second]] = [await find('first'), await find('second')];
    expect(await turns().release(first!, '2026-01-01', 1)).toBe('done');
    expect(await turns().release(first!, '2026-01-01', 2)).toBe('gone');
    expect(await turns().release(second!, '2026-01-01', 1)).toBe('full');
    expect(await turns().released('2026-01-01')).toBe(1);
    expect(await find('second')).toHaveLength(1);
    expect(await turns().release(second!, '2026-01-02', null)).toBe('done');
    expect([await find('first'), await find('second'), await turns().released('2026-01-02')]).toEqual([[], [], 1]);
  });

  test('of two at once for the last place one has it', async () => {
    for (const one of ['race-1', 'race-2', 'race-3']) await raise(one, 1000);
    const all = (await turns().waiting()).filter(({ entity_id }) => entity_id.startsWith('race-'));
    const answers = await Promise.all(all.map((one) => turns().release(one, '2026-02-01', 2)));
    expect(answers.sort()).toEqual(['done', 'done', 'full']);
    expect(await turns().released('2026-02-01')).toBe(2);
  });

  test('what was replaced by a newer one is gone', async () => {
    await raise('again', 1000);
    const [old] = await find('again');
    await raise('again', 2000);
    expect(await turns().release(old!, '2026-03-01', 9)).toBe('gone');
    expect(await turns().close(old!, 'capacity', true)).toBe('gone');
    expect((await find('again'))[0]?.t).toBe(2000);
  });

  test('who is closed may alert again, or not; a scorer that read before decides again', async () => {
    await raise('arm', 1000);
    const [waiting] = await find('arm');
    const read = (await scores().read(['arm'])).get('arm')!;
    expect(await turns().close(waiting!, 'capacity', true)).toBe('done');
    expect((await scores().read(['arm'])).get('arm')?.alert_state).toEqual({ armed: true, last_alert_t: 1000 });
    expect(await scores().write(scoreRecord('arm', 2000), read.revision, null)).toBe(false);
    await raise('held', 1000);
    expect(await turns().close((await find('held'))[0]!, 'hold_out', false)).toBe('done');
    expect((await scores().read(['held'])).get('held')?.alert_state.armed).toBe(false);
    // Its score has moved on to another alert: there is nothing to arm.
    await raise('moved', 1000);
    const [moved] = await find('moved');
    const next = { ...scoreRecord('moved', 2000), alert_state: { armed: false, last_alert_t: 2000 } };
    expect(await scores().write(next, 1, { ...alert, alert_id: 'moved-2000' })).toBe(true);
    expect(await turns().close(moved!, 'capacity', true)).toBe('done');
    expect((await scores().read(['moved'])).get('moved')?.alert_state).toEqual(next.alert_state);
  });
}
