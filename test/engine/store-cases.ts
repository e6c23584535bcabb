/** What a store of states and one of scores promise, whatever is behind it: in memory here, on DynamoDB in test/lambdas. */
import { expect, test } from '@jest/globals';
import { admit } from '../../core/admission/admit.ts';
import { encodeState } from '../../core/state/codec.ts';
import { applyEvents, type EntityState, emptyState } from '../../core/state/state.ts';
import { type ScoreRecord, type ScoreStore, type StateStore, WHOLE } from '../../engine/ports.ts';
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
export const alert = { alert_id: 'id', title: 'A customer is leaving', link: 'https://example.org/c' };

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
