/** Merging what came before a position of each shard with what came from there on. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import { oracle } from '../../core/oracle.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { finalise } from '../../core/state/finalise.ts';
import { mergeStates, seedState } from '../../core/state/merge.ts';
import { compileView, type ViewPlan } from '../../core/state/plan.ts';
import { applyEvents, compareSequence, type EntityState, emptyState } from '../../core/state/state.ts';
import { DAY } from '../../core/values/time.ts';
import { newestArrival, reversibleView, stream, view } from './generators.ts';

const RUNS = { numRuns: 400 };
/** Where each shard is cut: how many of the stream's positions lie before it. */
const cuts = fc.record({ 'shard-a': fc.nat(30), 'shard-b': fc.nat(30) });

type Cuts = Readonly<Record<string, number>>;

function sides(events: readonly CanonicalEvent[], at: Cuts): [CanonicalEvent[], CanonicalEvent[]] {
  const before = ({ shard_id, sequence_number }: CanonicalEvent) =>
    compareSequence(sequence_number, `${10n ** 20n + BigInt(at[shard_id]!)}`) < 0;
  return [events.filter(before), events.filter((event) => !before(event))];
}

/** Through the bytes, as both sides come from the table. */
function stored(plan: ViewPlan, state: EntityState): EntityState {
  return state.newest_event_time < 0 ? state : decodeState(plan, encodeState(plan, state), state.watermarks);
}

function applied(plan: ViewPlan, events: readonly CanonicalEvent[], from = emptyState(plan)): EntityState {
  return stored(plan, applyEvents(plan, from, events).state);
}

function merge(plan: ViewPlan, base: EntityState, delta: EntityState): EntityState {
  return stored(plan, mergeStates(plan, base, delta).state);
}

function content(plan: ViewPlan, state: EntityState) {
  const bytes = state.newest_event_time < 0 ? '' : Buffer.from(encodeState(plan, state)).toString('hex');
  return { bytes, watermarks: state.watermarks };
}

/** The first delivered copy of each event. */
function once(events: readonly CanonicalEvent[]): CanonicalEvent[] {
  return events.filter((event, i) => events.findIndex(({ event_id }) => event_id === event.event_id) === i);
}

describe('mergeStates', () => {
  test('both sides of any cut merge to the bytes of all events', () => {
    let exact = 0;
    let acrossTheCut = 0;
    fc.assert(
      fc.property(view, stream, cuts, fc.constantFrom(3, 4096), (definition, events, at, cap) => {
        const plan = compileView({ ...definition, dedupe: { ...definition.dedupe, cap } });
        const facts = once(events);
        const [before, since] = sides(facts, at);
        const [base, delta, all] = [applied(plan, before), applied(plan, since), applied(plan, facts)];
        const { state, twice } = mergeStates(plan, base, delta);
        expect(twice).toBe(0);
        if (state.inexact.length > 0 || all.inexact.length > 0) return;
        expect(content(plan, stored(plan, state))).toEqual(content(plan, all));
        if (before.length > 0 && since.length > 0) exact++;
        if (base.ledger.pending.length + delta.ledger.pending.length > state.ledger.pending.length) acrossTheCut++;
      }),
      RUNS,
    );
    // Retractions on the other side of their event were among them.
    expect(exact).toBeGreaterThan(RUNS.numRuns / 10);
    expect(acrossTheCut).toBeGreaterThan(0);
  });

  test('what can be taken back is right at once, whichever side retracts it', () => {
    fc.assert(
      fc.property(reversibleView, stream, cuts, (definition, events, at) => {
        const remembered = { horizon_ms: 400 * DAY, cap: 4096 };
        const retractions = definition.retractions && { ...definition.retractions, ...remembered };
        const plan = compileView({ ...definition, retractions });
        const facts = once(events);
        const [before, since] = sides(facts, at);
        const { state } = mergeStates(plan, applied(plan, before), applied(plan, since));
        expect(state.inexact).toEqual([]);
        const t = newestArrival(facts) + 1;
        expect(finalise(plan, state, t)).toEqual(oracle(plan.view, facts, t));
      }),
      RUNS,
    );
  });

  test('commutative, associative, and an empty state changes nothing', () => {
    fc.assert(
      fc.property(view, stream, cuts, cuts, (definition, events, first, second) => {
        const plan = compileView(definition);
        const [before, rest] = sides(once(events), first);
        const [middle, last] = sides(rest, second);
        const [a, b, c] = [applied(plan, before), applied(plan, middle), applied(plan, last)];
        expect(content(plan, merge(plan, b, a))).toEqual(content(plan, merge(plan, a, b)));
        expect(content(plan, merge(plan, emptyState(plan), a))).toEqual(content(plan, a));
        expect(content(plan, merge(plan, a, emptyState(plan)))).toEqual(content(plan, a));
        const [left, right] = [merge(plan, merge(plan, a, b), c), merge(plan, a, merge(plan, b, c))];
        if (left.inexact.length + right.inexact.length > 0) return;
        expect(content(plan, left)).toEqual(content(plan, right));
      }),
      RUNS,
    );
  });

  test('copies on both sides: none is counted twice where the delta knew the base, else each is told', () => {
    let copies = 0;
    fc.assert(
      fc.property(view, stream, fc.nat(30), (definition, events, cut) => {
        const plan = compileView(definition);
        const [before, since] = sides(events, { 'shard-a': cut, 'shard-b': cut });
        const base = applied(plan, before);
        const known = new Set(before.map(({ event_id }) => event_id));
        const across = new Set(since.flatMap(({ event_id }) => (known.has(event_id) ? [event_id] : []))).size;
        expect(mergeStates(plan, base, applied(plan, since)).twice).toBe(across);
        const seeded = mergeStates(plan, base, applied(plan, since, seedState(plan, base)), { seeded: true });
        expect(seeded.twice).toBe(0);
        const all = applied(plan, events);
        copies += across;
        if (seeded.state.inexact.length > 0 || all.inexact.length > 0) return;
        expect(content(plan, stored(plan, seeded.state))).toEqual(content(plan, all));
      }),
      RUNS,
    );
    expect(copies).toBeGreaterThan(0);
  });

  test('a seeded delta of an event that the base has by another copy is told', () => {
    const plan = compileView(fc.sample(view, { seed: 1, numRuns: 1 })[0]!);
    const event = fc.sample(stream, { seed: 1, numRuns: 20 }).find(({ length }) => length > 0)![0]!;
    const copy = { ...event, available_at: event.available_at + 5, sequence_number: `${event.sequence_number}9` };
    const { twice } = mergeStates(plan, applied(plan, [event]), applied(plan, [copy]), { seeded: true });
    expect(twice).toBe(1);
  });
});
