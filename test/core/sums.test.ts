/** Sums at the edge of the exact range: the event that leaves it is refused alone, and a window that does is null. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { oracle } from '../../core/oracle.ts';
import { applyExactly } from '../../core/state/apply-exactly.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { finalise } from '../../core/state/finalise.ts';
import { compileView } from '../../core/state/plan.ts';
import { emptyState } from '../../core/state/state.ts';
import { instantOf, sumEvents, sumStates, sumValues, sumView } from '../conformance/sums.ts';

describe('a state takes what it can hold', () => {
  test.each(sumStates.map((one) => [one.rule, one] as const))('%s', (_, one) => {
    const plan = compileView(sumView(one));
    const events = sumEvents(one);
    for (const size of [1, 2, 3, events.length]) {
      let state = emptyState(plan);
      const refused: string[] = [];
      let applied = 0;
      for (let at = 0; at < events.length; at += size) {
        const next = applyExactly(plan, state, events.slice(at, at + size));
        state = decodeState(plan, encodeState(plan, next.state), next.state.watermarks);
        refused.push(...next.refused.map(({ event_id }) => event_id));
        applied += next.applied;
      }
      expect({ size, refused }).toEqual({ size, refused: one.refused });
      expect(applied).toBe(events.length - one.refused.length);
      const kept = events.filter(({ event_id }) => !one.refused.includes(event_id));
      const t = instantOf(one.events.at(-1)!.minutes) + 1;
      expect(finalise(plan, state, t)).toEqual(oracle(plan.view, kept, t));
    }
  });
});

test('the events of one record are judged one by one, though they share a position', () => {
  for (const one of sumStates) {
    const plan = compileView(sumView(one));
    const [first] = sumEvents(one);
    const events = sumEvents(one).map((event) => ({ ...event, sequence_number: first!.sequence_number }));
    const { refused, applied, skipped } = applyExactly(plan, emptyState(plan), events);
    expect(refused.map(({ event_id }) => event_id)).toEqual(one.refused);
    expect({ applied, skipped }).toEqual({ applied: events.length - one.refused.length, skipped: 0 });
  }
});

describe('a value beyond the range', () => {
  test.each(sumValues.map((one) => [one.rule, one] as const))('%s', (_, one) => {
    const view = sumView(one);
    const plan = compileView(view);
    for (const { minutes, expect: wanted } of one.queries) {
      const t = instantOf(minutes);
      const known = sumEvents(one).filter(({ available_at }) => available_at < t);
      const { state, refused } = applyExactly(plan, emptyState(plan), known);
      expect(refused).toEqual([]);
      expect({ minutes, values: oracle(view, known, t) }).toEqual({ minutes, values: wanted });
      expect({ minutes, values: finalise(plan, state, t) }).toEqual({ minutes, values: wanted });
    }
  });

  test('whatever the amounts: stream = oracle over the events that the state took', () => {
    const amount = fc.oneof(
      fc.maxSafeInteger(),
      fc.constantFrom(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 2 ** 52, -(2 ** 52), 1, -1),
    );
    const [some] = sumValues;
    const view = sumView(some!);
    const plan = compileView(view);
    let [nulls, refusals] = [0, 0];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(400), amount), { maxLength: 20 }), fc.nat(5), (drawn, size) => {
        const events = sumEvents({
          ...some!,
          events: drawn.map(([minutes, value], i) => ({ event_id: `e${i}`, minutes, amount: value })),
        });
        let state = emptyState(plan);
        const refused = new Set<string>();
        for (let at = 0; at < events.length; at += size + 1) {
          const next = applyExactly(plan, state, events.slice(at, at + size + 1));
          for (const { event_id } of next.refused) refused.add(event_id);
          state = next.state;
        }
        const kept = events.filter(({ event_id }) => !refused.has(event_id));
        const t = instantOf(401);
        const values = oracle(view, kept, t);
        expect(finalise(plan, state, t)).toEqual(values);
        refusals += refused.size;
        nulls += values.filter((value) => value === null).length;
      }),
      { numRuns: 300 },
    );
    expect(refusals).toBeGreaterThan(0);
    expect(nulls).toBeGreaterThan(0);
  });
});
