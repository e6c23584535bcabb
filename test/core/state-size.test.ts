/** No state exceeds what its view's caps allow, and what is said of a view is not far from what can be. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withPlan } from '../../core/definition/plan.ts';
import type { CanonicalEvent, FeatureViewIR } from '../../core/ir/document.ts';
import { encodeState } from '../../core/state/codec.ts';
import { compileView } from '../../core/state/plan.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { largestStateBytes } from '../../core/state/state-size.ts';
import { DAY } from '../../core/values/time.ts';
import { stateSizeWarnings } from '../../lib/feature-store/state-size.ts';
import { MAX_STATE_BYTES } from '../../names/limits.ts';
import churn from '../../usecases/churn/index.ts';
import { contracts, EPOCH, stream, view } from './generators.ts';

test('no state is larger than the largest', () => {
  fc.assert(
    fc.property(view, stream, (definition, events) => {
      fc.pre(events.length > 0);
      const plan = compileView(definition);
      const { state } = applyEvents(plan, emptyState(plan), events);
      expect(encodeState(plan, state).length).toBeLessThanOrEqual(largestStateBytes(plan, contracts));
    }),
    { numRuns: 300 },
  );
});

/** One feature over 90 days. */
function viewOf(op: 'count_distinct' | 'last_k' | 'count', over: { cap?: number; k?: number } = {}): FeatureViewIR {
  const [any] = fc.sample(view, { seed: 1, numRuns: 1 });
  const feature = any!.features.find((one) => one.kind === 'aggregate')!;
  const window = { window_ms: 90 * DAY, hop_ms: DAY, offset_ms: 0, where: [] };
  const of = { op, event_type: 'buy', field: op === 'count' ? null : 'note', cap: null, k: null, ...over };
  const features = [{ ...feature, ...window, ...of }] as FeatureViewIR['features'];
  return withPlan({ ...any!, features, retractions: null, dedupe: { horizon_ms: DAY, cap: 16 } });
}

/** Every tile is full: so many different notes a day. */
function filled(definition: FeatureViewIR, notes: number, length: number): number {
  const plan = compileView(definition);
  const events = Array.from({ length: 91 * notes }, (_, i): CanonicalEvent => {
    const event_time = EPOCH + Math.floor(i / notes) * DAY + (i % notes);
    const about = { entity_id: 'a', event_type: 'buy', source: '', source_time: null, schema_version: 1 };
    const properties = { amount: 1, kind: 'a', flag: true, note: `${i}`.padEnd(length, 'é') };
    const position = { shard_id: 's', sequence_number: String(i + 1) };
    return { ...about, ...position, event_id: `e${i}`, event_time, available_at: event_time, properties };
  });
  const { state } = applyEvents(plan, emptyState(plan), events);
  return encodeState(plan, state).length;
}

describe('what is said of a view whose tiles are full', () => {
  test.each([
    ['a sketch', viewOf('count_distinct', { cap: 64 }), 70, 8, 1.2],
    // Ids may be 128 characters, and a character four bytes.
    ['the last three', viewOf('last_k', { k: 3 }), 4, 256, 4],
  ] as const)('%s', (_, definition, notes, length, factor) => {
    const [real, most] = [filled(definition, notes, length), largestStateBytes(compileView(definition), contracts)];
    expect(most).toBeGreaterThanOrEqual(real);
    expect(most / real).toBeLessThan(factor);
  });
});

test('a view that may outgrow an item is told by name, and what to do', () => {
  const wide = viewOf('count_distinct', { cap: 4096 });
  expect(largestStateBytes(compileView(wide), contracts)).toBeGreaterThan(2.4 * 1024 * 1024);
  expect(stateSizeWarnings({ contracts, views: [wide, viewOf('count')] })).toEqual([
    expect.stringMatching(/^\w+: a state may need up to \d{4} KiB .* allowed: 350 KiB, .* narrow windows/),
  ]);
});

test('churn stays far below', () => {
  const bytes = churn.views.map((one) => largestStateBytes(compileView(one), churn.contracts));
  expect(Math.max(...bytes)).toBeLessThan(MAX_STATE_BYTES / 8);
  expect(stateSizeWarnings(churn)).toEqual([]);
});
