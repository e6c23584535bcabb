/** What `quantile` promises: the ⌈q·n⌉-th smallest value, up to the declared relative error. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contract, field, quantile } from '../../core/definition/define.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { finalise } from '../../core/state/finalise.ts';
import { compileView } from '../../core/state/plan.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { HOUR } from '../../core/values/time.ts';
import { useCaseOf } from './use-case-of.ts';

const MOST = Number.MAX_SAFE_INTEGER;
/** A quantile has up to four decimals. */
const WHOLE = 10_000;
const T = 1_700_000_000_000;
// Small ones, which are exact, those around powers of two, where buckets begin, and any.
const number = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc
    .tuple(fc.nat(53), fc.integer({ min: -2, max: 2 }), fc.constantFrom(1, -1))
    .map(([exponent, by, sign]) => sign * Math.min(2 ** exponent + by, MOST)),
  fc.maxSafeInteger(),
);
// Often such as make q·n whole: there the rank is that number, and not the next.
const parts = fc.oneof(fc.integer({ min: 1, max: WHOLE - 1 }), fc.constantFrom(1000, 2500, 5000, 7500, 9000));
const error = fc.double({ min: 0.001, max: 0.5, noNaN: true });
const sale = contract('sale', 1, { fields: { amount: field.int() } });

/** Of one entity's events, some in each tile, as the stream engine serves it. */
function quantileOf(values: readonly number[], part: number, declared: number): unknown {
  const x = quantile({ of: sale.amount, window: '28d', q: part / WHOLE, error: declared });
  const plan = compileView(useCaseOf([sale], { x }).views[0]!);
  const events = values.map((amount, i): CanonicalEvent => {
    const about = { entity_id: 'ann', event_type: 'sale', source: '', source_time: null, schema_version: 1 };
    const position = { shard_id: 's', sequence_number: String(i + 1) };
    const event_time = T - HOUR * (i + 1);
    return { ...about, ...position, event_id: `e${i}`, event_time, available_at: event_time, properties: { amount } };
  });
  const { state } = applyEvents(plan, emptyState(plan), events);
  const at = plan.view.features.findIndex(({ name }) => name === 'x');
  return finalise(plan, decodeState(plan, encodeState(plan, state), state.watermarks), T)[at];
}

test('a quantile is within its error of the exact one', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 40 }), parts, error, (values, part, declared) => {
      const rank = Math.ceil((part * values.length) / WHOLE);
      const exact = values.toSorted((a, b) => a - b)[rank - 1]!;
      const found = quantileOf(values, part, declared) as number;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(declared * Math.abs(exact));
    }),
    { numRuns: 500 },
  );
});
