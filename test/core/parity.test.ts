/** The stream engine against the oracle, on random definitions and random streams. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import { oracle } from '../../core/oracle.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { finalise, ReadTooEarlyError } from '../../core/state/finalise.ts';
import { compileView, type ViewPlan } from '../../core/state/plan.ts';
import { applyEvents, type EntityState, emptyState } from '../../core/state/state.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import { exactValues } from './exact-values.ts';
import { EPOCH, newestArrival, reversibleView, stream, view } from './generators.ts';

const RUNS = { numRuns: 300 };
const later = fc.constantFrom(1, 2, HOUR, DAY - 1, DAY, 13 * DAY, 40 * DAY, 200 * DAY);

/** As the processor does it: batch by batch, through the bytes each time. */
function deliver(plan: ViewPlan, batches: readonly (readonly CanonicalEvent[])[]): EntityState {
  let state = emptyState(plan);
  for (const batch of batches) {
    if (batch.length === 0) continue;
    const next = applyEvents(plan, state, batch).state;
    state = decodeState(plan, encodeState(plan, next), next.watermarks);
  }
  return state;
}

function cut(events: readonly CanonicalEvent[], size: number): CanonicalEvent[][] {
  return Array.from({ length: Math.ceil(events.length / size) }, (_, i) => events.slice(i * size, (i + 1) * size));
}

describe('stream = oracle', () => {
  test('at any t after the newest arrival, whatever the batches', () => {
    fc.assert(
      fc.property(view, stream, fc.integer({ min: 1, max: 10 }), later, (definition, events, size, ahead) => {
        const plan = compileView(definition);
        const t = newestArrival(events) + ahead;
        const state = deliver(plan, cut(events, size));
        expect(exactValues(plan, state, finalise(plan, state, t))).toEqual(
          exactValues(plan, state, oracle(definition, events, t)),
        );
      }),
      RUNS,
    );
  });

  test('a reader of the past who knows what came later', () => {
    fc.assert(
      fc.property(view, stream, fc.nat(100), later, (definition, events, day, known) => {
        const plan = compileView(definition);
        const t = EPOCH + day * DAY + 1;
        const knowledge = t + known;
        const told = events.filter((event) => event.event_time < t && event.available_at < knowledge);
        const { state } = applyEvents(plan, emptyState(plan), told, { read_at: t });
        const read = state.newest_event_time < 0 ? state : decodeState(plan, encodeState(plan, state), {});
        expect(exactValues(plan, state, finalise(plan, read, t))).toEqual(
          exactValues(plan, state, oracle(definition, events, t, knowledge)),
        );
      }),
      RUNS,
    );
  });

  test('sums and counts of retracted events are right at once, and nothing is inexact while all is remembered', () => {
    let retracted = 0;
    fc.assert(
      fc.property(reversibleView, stream, later, (definition, events, ahead) => {
        fc.pre(definition.retractions === null || definition.retractions.cap > 100);
        const plan = compileView(definition);
        const t = newestArrival(events) + ahead;
        const state = deliver(plan, cut(events, 4));
        expect(state.inexact).toEqual([]);
        expect(finalise(plan, state, t)).toEqual(oracle(definition, events, t));
        retracted += state.ledger.entries.filter((entry) => entry.cancelled).length;
        const backwards = deliver(plan, [
          [...events].reverse().map((event, i) => ({ ...event, sequence_number: `${10n ** 20n + BigInt(i)}` })),
        ]);
        if (new Set(events.map((event) => event.event_id)).size === events.length && events.length > 0) {
          expect(encodeState(plan, backwards)).toEqual(encodeState(plan, state));
        }
      }),
      RUNS,
    );
    expect(retracted).toBeGreaterThan(10);
  });

  test('every prefix of a stream is what was known then', () => {
    fc.assert(
      fc.property(view, stream, fc.nat(40), (definition, events, length) => {
        const plan = compileView(definition);
        const prefix = events.slice(0, length);
        const state = deliver(plan, [prefix]);
        const t = newestArrival(prefix) + 1;
        expect(exactValues(plan, state, finalise(plan, state, t))).toEqual(
          exactValues(plan, state, oracle(definition, events, t, { watermarks: state.watermarks })),
        );
      }),
      RUNS,
    );
  });
});

describe('exactly once', () => {
  test('redelivered batches and tails change nothing', () => {
    fc.assert(
      fc.property(view, stream, fc.array(fc.nat(40), { maxLength: 5 }), (definition, events, replays) => {
        fc.pre(events.length > 0);
        const plan = compileView(definition);
        const once = deliver(plan, [events]);
        const batches = [events, ...replays.map((from) => events.slice(from))];
        expect(encodeState(plan, deliver(plan, batches))).toEqual(encodeState(plan, once));
      }),
      RUNS,
    );
  });

  test('the order between shards does not matter to the byte', () => {
    fc.assert(
      fc.property(view, stream, (definition, all) => {
        const events = all
          .filter((event, i) => all.findIndex((other) => other.event_id === event.event_id) === i)
          .filter((event) => event.event_type !== 'refund');
        fc.pre(events.length > 0);
        const plan = compileView(definition);
        const shard = (name: string) => events.filter((event) => event.shard_id === name);
        const backwards = deliver(plan, [[...shard('shard-b'), ...shard('shard-a')]]);
        expect(encodeState(plan, backwards)).toEqual(encodeState(plan, deliver(plan, cut(events, 3))));
      }),
      RUNS,
    );
  });

  test('counts what it did: applied, duplicate, skipped', () => {
    fc.assert(
      fc.property(view, stream, (definition, events) => {
        const plan = compileView(definition);
        const distinct = new Set(events.map((event) => event.event_id)).size;
        const first = applyEvents(plan, emptyState(plan), events);
        expect(first.applied).toBe(distinct);
        expect(first.duplicates.length).toBe(events.length - distinct);
        expect(applyEvents(plan, first.state, events)).toMatchObject({ applied: 0, skipped: events.length });
      }),
      RUNS,
    );
  });
});

test('a read at or before the newest arrival is refused: a tile could hold later events', () => {
  fc.assert(
    fc.property(view, stream, (definition, events) => {
      fc.pre(events.length > 0);
      const plan = compileView(definition);
      const state = deliver(plan, [events]);
      expect(() => finalise(plan, state, state.newest_available_at)).toThrow(ReadTooEarlyError);
    }),
    { numRuns: 20 },
  );
});
