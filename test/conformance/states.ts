/** Seeded views and streams with what the oracle and the codec say of them. */
import fc from 'fast-check';
import { encodeState } from '../../core/codec.ts';
import { type Knowledge, oracle } from '../../core/oracle.ts';
import { applyEvents, emptyState } from '../../core/state.ts';
import { DAY, HOUR } from '../../core/time.ts';
import { compileView } from '../../core/view.ts';
import { EPOCH, newestArrival, stream, view } from '../core/generators.ts';

const CASES = 60;

export function stateCases() {
  const drawn = fc.sample(fc.tuple(view, stream), { seed: 20170102, numRuns: CASES });
  return drawn
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
      return {
        view: definition,
        events,
        queries: queries.map((q) => ({ ...q, values: oracle(definition, events, q.t, q.knowledge) })),
        // A mark depends on the order of arrival: offline there is none, and the cell tells the truth.
        state_base64: state.inexact.length > 0 ? null : Buffer.from(encodeState(plan, state)).toString('base64'),
        watermarks: state.watermarks,
      };
    });
}
