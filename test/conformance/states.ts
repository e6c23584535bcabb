/** Seeded views and streams with what the oracle and the codec say of them. */
import fc from 'fast-check';
import { AGGREGATION_OPS, type AggregationOp } from '../../core/aggregates/table.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import { type Knowledge, oracle } from '../../core/oracle.ts';
import { encodeState } from '../../core/state/codec.ts';
import { compileView } from '../../core/state/plan.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import { EPOCH, fieldsFor, newestArrival, stream, viewWith } from '../core/generators.ts';
import { collidingIds } from './colliding-ids.ts';

const CASES = 60;
const COLLIDING = 4;

/** With ids of which two at a time are one to the hash of codec version 2. */
function collide(events: readonly CanonicalEvent[]): CanonicalEvent[] {
  const pairs = collidingIds();
  const names = new Map<string, string>();
  for (const { event_id } of events) {
    if (names.has(event_id)) continue;
    const [one, other] = pairs.next().value!;
    const next = events.map((event) => event.event_id).find((id) => id !== event_id && !names.has(id));
    names.set(event_id, one);
    if (next !== undefined) names.set(next, other);
  }
  return events.slice(0, 40).map((event) => {
    const target = event.properties.buy_id;
    const named = typeof target === 'string' ? { buy_id: names.get(target) ?? target } : null;
    return { ...event, event_id: names.get(event.event_id)!, properties: { ...event.properties, ...named } };
  });
}

/** What the first cases are drawn of: another aggregation adds cases of its own, and changes none. */
const FIRST: readonly AggregationOp[] = [
  ...(['count', 'sum', 'mean', 'min', 'max', 'variance', 'first', 'last', 'last_k', 'count_distinct'] as const),
  ...(['histogram', 'time_since_last', 'time_since_first'] as const),
];
const PER_OP = 3;

function draw(ops: readonly AggregationOp[], numRuns: number, fieldsOf?: typeof fieldsFor) {
  return fc.sample(fc.tuple(viewWith(ops, fieldsOf), stream), { seed: 20170102, numRuns });
}

export function stateCases() {
  const drawn = draw(FIRST, CASES, (op) => (op === 'min' || op === 'max' ? ['amount'] : fieldsFor(op)));
  const texts = draw(['min', 'max'], PER_OP, () => ['kind', 'note']);
  const further = AGGREGATION_OPS.filter((op) => !FIRST.includes(op)).flatMap((op) => draw([op], PER_OP));
  const longest = drawn.toSorted(([, a], [, b]) => b.length - a.length).slice(0, COLLIDING);
  return [
    ...drawn,
    ...longest.map(([definition, events]): (typeof drawn)[number] => [definition, collide(events)]),
    ...texts,
    ...further,
  ]
    .filter(([, events]) => events.length > 0)
    .map(([definition, events]) => {
      const plan = compileView(definition);
      const { state } = applyEvents(plan, emptyState(plan), events);
      const newest = newestArrival(events);
      const middle = EPOCH + Math.floor((newest - EPOCH) / 2 / DAY) * DAY;
      const half = applyEvents(plan, emptyState(plan), events.slice(0, Math.ceil(events.length / 2))).state.watermarks;
      const queries: { t: number; knowledge: Knowledge }[] = [
        { t: newest + 1, knowledge: newest + 1 },
        { t: newest + 13 * DAY, knowledge: { watermarks: state.watermarks } },
        { t: middle, knowledge: middle },
        { t: middle, knowledge: 'latest' },
        { t: middle + HOUR, knowledge: middle + 2 * DAY },
        { t: newest + 1, knowledge: { watermarks: half } },
      ];
      // A reader makes the plan: the cases are as they were before views carried theirs.
      const { plan: _, ...written } = definition;
      return {
        view: written,
        events,
        queries: queries.map((q) => ({ ...q, values: oracle(definition, events, q.t, q.knowledge) })),
        // A flag depends on the order of arrival: offline there is none, and the cell tells the truth.
        state_base64: state.inexact.length > 0 ? null : Buffer.from(encodeState(plan, state)).toString('base64'),
        watermarks: state.watermarks,
      };
    });
}
