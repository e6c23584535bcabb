/** A use case that can't be kept is refused with the field, what was found and what is allowed. */
import { describe, expect, test } from '@jest/globals';
import { columnOf } from '../../core/definition/column.ts';
import {
  type AggregateFeature,
  type Condition,
  type Contract,
  contract,
  count,
  countDistinct,
  defineUseCase,
  derived,
  expr,
  type Feature,
  field,
  histogram,
  last,
  lastK,
  noEvent,
  type Series,
  series,
  sum,
  timeSinceFirst,
  timeSinceLast,
  variance,
} from '../../core/definition/define.ts';
import { parseUseCase } from '../../core/definition/usecase.ts';
import type { ExprIR, UseCaseIR } from '../../core/ir/document.ts';
import { DefinitionError } from '../../core/ir/errors.ts';
import { finalise } from '../../core/state/finalise.ts';
import { compileView } from '../../core/state/plan.ts';
import { emptyState } from '../../core/state/state.ts';
import { evaluate } from '../../core/values/expr.ts';
import { DAY, HOUR, MINUTE } from '../../core/values/time.ts';
import { useCaseOf } from './use-case-of.ts';

const order = contract('order', 1, {
  fields: {
    amount: field.decimal(2, { min: 0, max: 1e8 }),
    loose: field.int(),
    channel: field.enum(['web', 'store']),
    note: field.string(),
  },
  derived: ({ amount }) => ({ big: expr.gt(amount, 10_000) }),
});
const cancels = (of: Contract, event_type = 'cancel') =>
  contract(event_type, 1, { fields: { target: field.string() }, retracts: ({ target }) => ({ of, id: target }) });
const orders_7d = count({ of: order, window: '7d', where: order.big.eq(1) });
const spend_28d = sum({ of: order.amount, window: '28d' });
const sound = {
  orders_7d,
  spend_28d,
  recency: timeSinceLast({ of: order, window: 'lifetime' }),
  channel: last({ of: order.channel, window: 'lifetime' }),
  spend_per_order: derived(expr.div(spend_28d, orders_7d)),
};
const notes = lastK({ of: order.note, k: 3, window: '7d' });

function useCase(
  over: {
    features?: Record<string, Feature | Series>;
    contracts?: Contract[];
    model?: object;
    alerts?: object;
    retention?: string;
  } = {},
): UseCaseIR {
  return defineUseCase({
    name: 'tiny',
    entity: 'customer',
    contracts: over.contracts ?? [order],
    views: { tiny: { entity: 'customer', features: over.features ?? sound, retention: over.retention } },
    label: noEvent({ name: 'gone', of: order, horizon: '14d' }),
    model: {
      name: 'tiny',
      inputs: [orders_7d],
      baselineInputs: [orders_7d],
      train: { from: '2017-05-01T00:00:00Z', to: '2017-09-01T00:00:00Z', every: '14d' },
      validation: { from: '2017-09-15T00:00:00Z', to: '2017-10-01T00:00:00Z', every: '14d' },
      test: { from: '2017-11-01T00:00:00Z', to: '2017-11-01T00:00:00Z', every: '14d' },
      seed: 1,
      gate: { minAuc: 0.7, maxAuc: 0.95, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
      ...over.model,
    },
    alerts: {
      name: 'a',
      threshold: 0.8,
      rearmBelow: 0.6,
      cooldown: '14d',
      topReasons: 3,
      title: 't',
      link: 'l',
      ...over.alerts,
    },
  });
}

const feature = (spec: Feature | Series) => () => useCase({ features: { ...sound, extra: spec } });

describe('refused when it is declared', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'a window that is no duration',
      feature(count({ of: order, window: 'a week' })),
      /features\.extra\.window: found '[^']+'; allowed: a duration/,
    ],
    [
      'a window beyond the retention',
      feature(count({ of: order, window: '500d' })),
      /extra\.window: found .* allowed: 5m to 400d/,
    ],
    [
      'a sum that could leave the exact range',
      feature(sum({ of: order.loose, window: '7d' })),
      /extra\.of: found loose without min and max within ±2\^33; allowed: min and max for this field/,
    ],
    [
      'a variance whose squares could overflow',
      feature(variance({ of: order.loose, window: '7d' })),
      /extra\.of: found loose without min and max within ±2\^31; .* squares add exactly/,
    ],
    [
      'different values without a bound',
      feature(countDistinct({ of: order.note, window: '7d' })),
      /extra\.cap: found none for a string field, .* allowed: cap: 64/,
    ],
    [
      'a histogram without a bound',
      feature(histogram({ of: order.note, k: 3, window: '7d' })),
      /extra\.cap: found none for a string field/,
    ],
    [
      'a cap too small for an estimate',
      feature(countDistinct({ of: order.note, cap: 4, window: '7d' })),
      /extra\.cap: found a number below 16/,
    ],
    [
      'a histogram of numbers',
      feature(histogram({ of: order.amount as never, k: 3, cap: 16, window: '7d' })),
      /extra\.of: found decimal field for histogram; allowed: string, enum/,
    ],
    [
      'arithmetic with a list',
      () => useCase({ features: { ...sound, notes, extra: derived(expr.add(notes as never, 1)) } }),
      /extra\.expr: found feature notes, which is a list/,
    ],
    [
      'a list as a model input',
      () => useCase({ features: { ...sound, notes }, model: { inputs: [notes], baselineInputs: [notes] } }),
      /model\.inputs: found notes, which is a list/,
    ],
    [
      'a series of lifetimes',
      feature(series(count({ of: order, window: 'lifetime' }), 3)),
      /extra_0\.window: found a series of lifetimes/,
    ],
    [
      'a series whose windows are narrower than its hop',
      feature(series(count({ of: order, window: '5m' }), 300)),
      /extra_0\.series: found windows narrower than the hop of the whole/,
    ],
    [
      'a window longer than events are kept',
      () => useCase({ features: { ...sound, extra: count({ of: order, window: '40d' }) }, retention: '30d' }),
      /recency\.window: found lifetime, but events are kept for 30 days|extra\.window: found 40 days, but events are kept for 30/,
    ],
    [
      'a retraction of what is not declared',
      () => useCase({ contracts: [order, cancels(contract('other', 1, { fields: {} }))] }),
      /cancel\.retracts\.of: found unknown event type other/,
    ],
    [
      'a retraction of a retraction',
      () => useCase({ contracts: [order, cancels(order), cancels(cancels(order), 'undo')] }),
      /undo\.retracts\.of: found an event type that retracts/,
    ],
    ['a sum of text', feature(sum({ of: order.note as never, window: '7d' })), /extra\.of: found string field for sum/],
    [
      'a filter on an unknown field',
      feature(count({ of: order, window: '7d', where: columnOf('order', 'nope', null).eq(1) as Condition<'order'> })),
      /where\.nope: found an unknown field/,
    ],
    [
      'a filter of another type',
      feature(count({ of: order, window: '7d', where: order.channel.eq(5 as never) })),
      /^features\.extra\.where\.channel: found 5; allowed: a string/,
    ],
    [
      'an unknown event type',
      feature(count({ of: contract('other', 1, { fields: {} }), window: '7d' })),
      /extra\.of: found unknown event type other; allowed: order/,
    ],
    [
      'an expression over a later feature',
      () => useCase({ features: { extra: derived(expr.add(orders_7d, 1)), ...sound } }),
      /extra\.expr: found feature orders_7d that is not declared before/,
    ],
    [
      'a name that is no name',
      () => useCase({ features: { ...sound, 'A-b': count({ of: order, window: '7d' }) } }),
      /a lower-case name/,
    ],
    [
      'a baseline input that is no input',
      () => useCase({ model: { baselineInputs: [spend_28d] } }),
      /^model\.baselineInputs: found spend_28d, which is no input/,
    ],
    [
      'a reason that is no model input',
      () => useCase({ alerts: { reasons: [{ of: spend_28d, text: 't', format: 'money' }] } }),
      /^alerts\.reasons\.spend_28d: found a feature that is not a model input/,
    ],
    [
      'a validation inside the label horizon',
      () =>
        useCase({ model: { validation: { from: '2017-09-02T00:00:00Z', to: '2017-10-01T00:00:00Z', every: '14d' } } }),
      /model\.validation\.from: found an instant inside the label horizon/,
    ],
    [
      'a threshold of another type',
      () => useCase({ alerts: { threshold: '0.8' } }),
      /alerts\.threshold: found '0\.8'; .*number/,
    ],
    [
      'a re-arm level above the threshold',
      () => useCase({ alerts: { rearmBelow: 0.9 } }),
      /alerts\.rearmBelow: found a number above threshold/,
    ],
    ['a contract declared twice', () => useCase({ contracts: [order, order] }), /contracts: found order v1 twice/],
    ['no document at all', () => parseUseCase(undefined), /use case: found nothing/],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(DefinitionError);
    expect(make).toThrow(message);
  });

  test('an IR that was edited after it was compiled', () => {
    const ir = structuredClone(useCase()) as { views: { features: { window_ms: number }[] }[] } & UseCaseIR;
    ir.views[0]!.features[0]!.window_ms = 8 * DAY;
    expect(() => parseUseCase(ir)).toThrow(/definition_hash: found another hash/);
  });
});

/** Of a derived feature. */
function exprOf(features: Record<string, Feature | Series>, name: string): ExprIR {
  const [view] = useCase({ features: { ...features, ...sound } }).views;
  const found = view!.features.find((one) => one.name === name);
  if (found?.kind !== 'derived') throw new Error(`${name}: found no derived feature`);
  return found.expr;
}

describe('the definition hash', () => {
  const hash = (features: Record<string, Feature> = sound) => useCaseOf([order], features).views[0]!.definition_hash;

  test('changes with the meaning, not with the description', () => {
    const withOrders = (orders_7d: AggregateFeature<'int'>) => ({
      ...sound,
      orders_7d,
      spend_per_order: derived(expr.div(spend_28d, orders_7d)),
    });
    const where = order.big.eq(1);
    const described = withOrders(count({ of: order, window: '7d', where, description: 'Large orders.' }));
    const changed = withOrders(count({ of: order, window: '8d', where }));
    expect(hash(described)).toBe(hash());
    expect(hash(changed)).not.toBe(hash());
  });
});

test('hops follow the design: 5 min below 12 h, 1 h below 12 d, then 1 d', () => {
  const windows = ['5m', '719m', '12h', '287h', '12d', '90d'];
  const ir = useCase({
    features: {
      orders_7d: sound.orders_7d,
      ...Object.fromEntries(windows.map((w) => [`w${w}`, count({ of: order, window: w })])),
    },
  });
  const hops = ir.views[0]!.features.slice(1).map((f) => (f.kind === 'aggregate' ? f.hop_ms : null));
  expect(hops).toEqual([5 * MINUTE, 5 * MINUTE, HOUR, HOUR, DAY, DAY]);
});

test('with no event counts are 0 and all else is null', () => {
  const plan = compileView(useCase().views[0]!);
  expect(finalise(plan, emptyState(plan), 1)).toEqual([0, null, null, null, null]);
});

describe('a series of consecutive windows', () => {
  const twelve = series(count({ of: order, window: '7d' }), 12);
  const weekly = { ...sound, weekly: twelve };

  test('is one feature a window, cut out of one window of the whole width', () => {
    const [view] = useCase({ features: weekly }).views;
    const made = view!.features.filter(({ name }) => name.startsWith('weekly'));
    expect(made).toHaveLength(12);
    expect(made[11]).toMatchObject({ name: 'weekly_11', window_ms: 7 * DAY, offset_ms: 77 * DAY, hop_ms: DAY });
  });

  test('its trend is the slope of the least-squares line', () => {
    const lookup = (values: readonly number[]) => (name: string) => values[Number(name.slice(2))] ?? null;
    const w = series(count({ of: order, window: '7d' }), 4);
    const slope = exprOf({ w, slope: derived(expr.trend(w)) }, 'slope');
    // Newest first: 7, 5, 3, 1 grows by 2 a window.
    expect(evaluate(slope, lookup([7, 5, 3, 1]))).toBe(2);
    expect(evaluate(slope, lookup([1, 1, 1, 1]))).toBe(0);
    expect(evaluate(slope, lookup([0, 4, 1, 3]))).toBe(-0.6);
    expect(evaluate(slope, lookup([7, 5, 3]))).toBeNull();
  });
});

test('the gap against the own cadence is silence in multiples of the mean gap', () => {
  const values: Record<string, number> = { last: 30 * DAY, first: 130 * DAY, n: 11 };
  const last = timeSinceLast({ of: order, window: 'lifetime' });
  const first = timeSinceFirst({ of: order, window: 'lifetime' });
  const n = count({ of: order, window: 'lifetime' });
  const gap = exprOf({ last, first, n, gap: derived(expr.gapAgainstCadence(last, first, n)) }, 'gap');
  expect(evaluate(gap, (name) => values[name] ?? null)).toBe(3);
  expect(evaluate(gap, (name) => ({ ...values, n: 1 })[name] ?? null)).toBeNull();
});
