/** States of codec version 2 are read, added to and written on; ids that its hash can't tell apart are two facts now. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { withPlan } from '../../core/definition/plan.ts';
import type { CanonicalEvent, FeatureValue, FeatureViewIR } from '../../core/ir/document.ts';
import { oracle } from '../../core/oracle.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { finalise } from '../../core/state/finalise.ts';
import { mergeStates, seedState } from '../../core/state/merge.ts';
import { compileView, type ViewPlan } from '../../core/state/plan.ts';
import { applyEvents, type EntityState, emptyState, inexactFeatures } from '../../core/state/state.ts';
import { formerIdHash, hash53, idHash } from '../../core/values/hash.ts';
import { collidingIds } from '../conformance/colliding-ids.ts';

interface Case {
  readonly view: Omit<FeatureViewIR, 'plan'>;
  readonly events: readonly CanonicalEvent[];
  readonly queries: readonly { readonly t: number; readonly knowledge: unknown; readonly values: FeatureValue[] }[];
  readonly state_base64: string | null;
  readonly watermarks: Readonly<Record<string, string>>;
}

const CASES = (JSON.parse(readFileSync('test/conformance/states-2.json', 'utf8')) as Case[]).filter(
  (one) => one.state_base64 !== null,
);
const stored = (one: Case, plan: ViewPlan) =>
  decodeState(plan, Buffer.from(one.state_base64!, 'base64'), one.watermarks);
const again = (plan: ViewPlan, state: EntityState) => decodeState(plan, encodeState(plan, state), state.watermarks);

/** With everything but the values of features that a flag says are an older truth. */
function exact(plan: ViewPlan, state: EntityState, values: readonly FeatureValue[]): unknown {
  const inexact = new Set(inexactFeatures(plan, state));
  return plan.view.features.map(({ kind, name }, i) => (kind === 'derived' || inexact.has(name) ? null : values[i]));
}

describe.each(CASES.map((one, i) => [i, one] as const))('stored state %i', (_, one) => {
  const plan = compileView(withPlan(one.view));
  const state = stored(one, plan);
  const fresh = applyEvents(plan, emptyState(plan), one.events).state;

  test('tells the same, and is written on', () => {
    for (const read of [state, again(plan, state), again(plan, again(plan, state))]) {
      for (const { t, values } of one.queries.slice(0, 2)) expect(finalise(plan, read, t)).toEqual(values);
    }
    const bytes = encodeState(plan, state);
    const remembers = state.recent.size + state.ledger.entries.length + state.ledger.pending.length > 0;
    expect(bytes[0]).toBe(remembers ? 0x83 : 3);
    // But for the hashes of ids it is what the events make today.
    expect(bytes.length).toBe(encodeState(plan, fresh).length);
    expect(
      state.recent
        .list()
        .map(({ hash }) => hash)
        .sort(),
    ).toEqual(
      one.events
        .map((event) => formerIdHash(event.event_id))
        .filter((hash) => state.recent.has(hash))
        .filter((hash, i, all) => all.indexOf(hash) === i)
        .sort(),
    );
  });

  test('knows the copies of what it has applied as a state of today does', () => {
    const copies = one.events.map((event, i) => ({ ...event, shard_id: 'again', sequence_number: String(i + 1) }));
    const [now, then] = [applyEvents(plan, fresh, copies), applyEvents(plan, again(plan, state), copies)];
    expect(then.duplicates.length).toBe(now.duplicates.length);
    expect(then.applied).toBe(now.applied);
  });

  test('goes on with later events, retractions among them', () => {
    const newest = Math.max(...one.events.map((event) => event.available_at));
    const types = [...new Set(one.events.map((event) => event.event_type))];
    const later = one.events.flatMap((event, i): CanonicalEvent[] => {
      const at = { available_at: newest + 1 + i, event_time: event.event_time, shard_id: 'later' };
      const next = { ...event, ...at, event_id: `later-${i}`, sequence_number: String(2 * i + 1) };
      if (!types.includes('refund') || event.event_type !== 'buy') return [next];
      const refund = { ...next, event_type: 'refund', event_id: `refund-${i}`, sequence_number: String(2 * i + 2) };
      return [next, { ...refund, properties: { ...event.properties, buy_id: event.event_id } }];
    });
    const all = [...one.events, ...later];
    const t = newest + later.length + 2;
    for (const from of [state, again(plan, state)]) {
      const then = applyEvents(plan, from, later).state;
      const values = finalise(plan, again(plan, then), t);
      expect(exact(plan, then, values)).toEqual(exact(plan, then, oracle(plan.view, all, t)));
    }
  });

  test('seeds the next version of its view, and takes a backfill beside it', () => {
    const seeded = seedState(plan, state);
    expect(seeded.former_ids).toBe(true);
    const { state: merged, twice } = mergeStates(plan, state, emptyState(plan));
    expect(twice).toBe(0);
    expect(encodeState(plan, merged)).toEqual(encodeState(plan, state));
  });
});

test('once the last former id is forgotten, a state is one of today', () => {
  const [one] = CASES.filter(({ view, events }) => view.retractions === null && events.length > 3);
  const plan = compileView(withPlan(one!.view));
  const state = stored(one!, plan);
  const { horizon_ms } = plan.view.dedupe;
  const at = state.newest_available_at + horizon_ms + 1;
  const next = { ...one!.events[0]!, event_id: 'next', event_time: at - 1, available_at: at, shard_id: 'next' };
  const { state: then } = applyEvents(plan, state, [next]);
  expect(encodeState(plan, then)[0]).toBe(3);
  expect(again(plan, then).former_ids).toBe(false);
});

test('ids that the former hash can not tell apart are two facts', () => {
  const pairs: (readonly [string, string])[] = [];
  for (const pair of collidingIds()) if (pairs.push(pair) === 20) break;
  const [one] = CASES;
  const plan = compileView(withPlan(one!.view));
  for (const [a, b] of pairs) {
    expect([a === b, hash53(a) === hash53(b), idHash(a) === idHash(b)]).toEqual([false, true, false]);
    const events = [a, b].map((event_id, i) => ({ ...one!.events[0]!, event_id, sequence_number: String(i + 1) }));
    expect(applyEvents(plan, emptyState(plan), events)).toMatchObject({ applied: 2, duplicates: [] });
  }
});
