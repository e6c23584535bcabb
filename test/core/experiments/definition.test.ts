import { describe, expect, test } from '@jest/globals';
import {
  contract,
  count,
  defineUseCase,
  derived,
  type ExperimentSpec,
  experiment,
  expr,
  field,
  lastK,
  noEvent,
} from '../../../core/definition/define.ts';
import { hashOf } from '../../../core/definition/hash.ts';
import { parseUseCase } from '../../../core/definition/usecase.ts';

const order = contract('order', 1, { fields: { amount: field.int() } });
const orders = count({ of: order, window: '28d' });
const double = derived(expr.mul(orders, 2));
const newest = lastK({ of: order.amount, k: 3, window: '28d' });
const label = noEvent({ name: 'quiet', of: order, horizon: '14d' });
const instants = (from: string, to: string) => ({ from: `${from}T00:00:00Z`, to: `${to}T00:00:00Z`, every: '7d' });

const useCase = (...experiments: ReturnType<typeof experiment>[]) =>
  defineUseCase({
    name: 'shop',
    entity: 'customer',
    contracts: [order],
    views: { customer: { entity: 'customer', features: { orders, double, newest } } },
    label,
    model: {
      name: 'm',
      inputs: [orders],
      baselineInputs: [orders],
      train: instants('2026-01-01', '2026-02-01'),
      validation: instants('2026-04-01', '2026-05-01'),
      test: instants('2026-07-01', '2026-08-01'),
      seed: 1,
      gate: { minAuc: 0.5, maxAuc: 0.99, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
    },
    ...(experiments.length > 0 && { experiments }),
  });
const spec = (changed: Partial<ExperimentSpec> = {}): ExperimentSpec => ({
  name: 'deeper',
  metric: label,
  direction: 'decrease',
  minimumSample: 100,
  plannedSample: 1000,
  duration: '28d',
  ...changed,
});
const defined = (changed: Partial<ExperimentSpec>) => useCase(experiment(spec(changed))).experiments?.[0];

describe('experiment', () => {
  test('has defaults that can be read in the document', () => {
    expect(defined({})).toEqual({
      name: 'deeper',
      hash: 'sha256',
      salts: { enrol: 'deeper/enrol', variant: 'deeper/variant' },
      coverage: 1,
      hold_out: 0,
      variants: [
        { name: 'champion', weight: 0.5 },
        { name: 'challenger', weight: 0.5 },
      ],
      metric: { kind: 'label' },
      direction: 'decrease',
      minimum_sample: 100,
      planned_sample: 1000,
      alpha: 0.05,
      stop: 'any_time',
      duration_ms: 28 * 86_400_000,
    });
    expect(defined({ holdOut: 0.25 })).toMatchObject({ coverage: 0.75, hold_out: 0.25 });
  });

  test('is judged by a feature some time after the exposure', () => {
    expect(defined({ metric: { of: double, after: '28d' } })?.metric).toEqual({
      kind: 'feature',
      feature: 'double',
      after_ms: 28 * 86_400_000,
      as: 'mean',
    });
    expect(defined({ metric: { of: orders, after: '28d', as: 'proportion' } })?.metric).toMatchObject({
      as: 'proportion',
    });
  });

  test('stands outside of the hash: it changes no feature', () => {
    const [without, one] = [useCase(), useCase(experiment(spec()))];
    expect(one.views[0]?.definition_hash).toBe(without.views[0]?.definition_hash);
    expect(hashOf(one.views[0]!, one.contracts)).toBe(one.views[0]?.definition_hash);
    expect(parseUseCase(JSON.parse(JSON.stringify(one)))).toEqual(one);
  });

  test.each<[string, Partial<ExperimentSpec>]>([
    [
      'experiments.deeper.variants: found weights that add up to 0.9; allowed: weights that add up to 1',
      { variants: { champion: 0.5, challenger: 0.4 } },
    ],
    [
      'experiments.deeper.salts: found the same salt twice; allowed: two different salts',
      { salts: { enrol: 'a', variant: 'a' } },
    ],
    [
      'experiments.deeper.coverage: found 0.9 beside a hold-out of 0.2; allowed: up to 0.8',
      { coverage: 0.9, holdOut: 0.2 },
    ],
    [
      'experiments.deeper.plannedSample: found 150; allowed: at least 200, the minimum sample of both variants',
      { plannedSample: 150 },
    ],
    [
      'experiments.deeper.metric.of: found newest, whose value is of type ints; allowed: numbers and booleans',
      { metric: { of: newest as never, after: '1d' } },
    ],
    [
      'experiments.deeper.metric.of: found a feature that the view does not have; allowed: orders, double, newest',
      { metric: { of: count({ of: order, window: '1d' }), after: '1d' } },
    ],
    ['experiments.deeper.alpha: found 0.7; allowed: number of at most 0.5', { alpha: 0.7 }],
    ['experiments.deeper.direction: found \'up\'; allowed: "increase", "decrease"', { direction: 'up' as never }],
    ['experiments.deeper.metric.after: found nothing; allowed: a text', { metric: { of: orders } as never }],
    [
      'experiments.deeper.variants.challenger: found nothing; allowed: a number',
      { variants: { champion: 1 } as never },
    ],
    [
      'experiment.size: found a member of this name; allowed: name, metric, direction, minimumSample, plannedSample, duration, coverage, variants, holdOut, alpha, stop, hash, salts',
      { size: 1 } as never,
    ],
  ])('%s', (message, changed) => {
    expect(() => defined(changed)).toThrow(message);
  });

  test('has a name of its own, and needs a model', () => {
    const one = experiment(spec());
    expect(() => useCase(one, one)).toThrow('experiments: found deeper twice; allowed: each name once');
    const alone = {
      name: 'some',
      entity: 'customer',
      contracts: [order],
      views: { v: { entity: 'customer', features: { orders } } },
    };
    expect(() => defineUseCase({ ...alone, experiments: [one] })).toThrow(
      'experiments: found experiments without a model; allowed: a model, or no experiments',
    );
    expect(() => useCase({} as never)).toThrow('experiments.0: found an object; allowed: an experiment such as');
  });
});
