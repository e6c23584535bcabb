/** What of search, calibration, segments and gate is written to the document, and what is refused with its field. */
import { describe, expect, test } from '@jest/globals';
import { contract, count, defineUseCase, field, type ModelSpec, noEvent, sum } from '../../core/definition/define.ts';
import type { ModelIR } from '../../core/ir/document.ts';

const order = contract('order', 1, { fields: { amount: field.int({ min: 0, max: 1000 }) } });
const orders = count({ of: order, window: '7d' });
const spend = sum({ of: order.amount, window: '28d' });
const gate = { minAuc: 0.7, maxAuc: 0.95, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 };

function model(over: object): ModelIR {
  const spec: ModelSpec = {
    name: 'tiny',
    inputs: [orders],
    baselineInputs: [orders],
    train: { from: '2017-05-01T00:00:00Z', to: '2017-09-01T00:00:00Z', every: '14d' },
    validation: { from: '2017-09-15T00:00:00Z', to: '2017-10-01T00:00:00Z', every: '14d' },
    test: { from: '2017-11-01T00:00:00Z', to: '2017-11-01T00:00:00Z', every: '14d' },
    seed: 7,
    gate,
    ...over,
  };
  return defineUseCase({
    name: 'tiny',
    entity: 'customer',
    contracts: [order],
    views: { tiny: { entity: 'customer', features: { orders, spend } } },
    label: noEvent({ name: 'gone', of: order, horizon: '14d' }),
    model: spec,
  }).model!;
}

const search = (strategy: 'random' | 'grid', trials: number, parameters: object) => ({
  search: { strategy, trials, parameters },
});
const eta = { min: 0.01, max: 0.3, scale: 'log' };

describe('model', () => {
  test('what is not asked for is not in the document', () => {
    const plain = model({});
    expect(Object.keys(plain)).not.toEqual(expect.arrayContaining(['search', 'calibration', 'segments']));
    expect(Object.keys(plain.gate)).toHaveLength(4);
  });

  test('search, calibration, segments and all rules of the gate', () => {
    const full = model({
      ...search('random', 20, { eta, max_depth: { min: 2, max: 6, integer: true }, subsample: { values: [0.5, 1] } }),
      calibration: 'isotonic',
      segments: [orders],
      gate: {
        ...gate,
        marginOverChampion: -0.005,
        maxCalibrationSlopeError: 0.2,
        maxLatencyMs: 20,
        maxBytes: 5_000_000,
      },
    });
    expect(full).toMatchObject({
      search: {
        strategy: 'random',
        trials: 20,
        seed: 7,
        parameters: {
          eta,
          max_depth: { min: 2, max: 6, scale: 'linear', integer: true },
          subsample: { values: [0.5, 1] },
        },
      },
      calibration: 'isotonic',
      segments: ['orders'],
      gate: {
        margin_over_champion: -0.005,
        max_calibration_slope_error: 0.2,
        max_latency_ms: 20,
        max_bytes: 5_000_000,
      },
    });
  });

  test.each<[string, object, RegExp]>([
    ['a calibration of another name', { calibration: 'beta' }, /model\.calibration/],
    ['a segment that is no input', { segments: [spend] }, /model\.segments: found spend, which is no input/],
    ['more trials than a job has time for', search('random', 31, { eta }), /model\.search\.trials/],
    ['a search of nothing', search('random', 9, {}), /model\.search\.parameters: found none/],
    ['a range of a grid', search('grid', 9, { eta }), /parameters\.eta: found a range; allowed: values/],
    [
      'a grid of more points than trials',
      search('grid', 4, { a: { values: [1, 2] }, b: { values: [1, 2] } }),
      /model\.search\.trials: found 4 for 4 points and the declared one; allowed: 5 up to 30/,
    ],
    ['an empty range', search('random', 9, { eta: { min: 1, max: 1 } }), /eta\.min: found a number not below max/],
    [
      'a logarithm of nothing',
      search('random', 9, { eta: { min: 0, max: 1, scale: 'log' } }),
      /eta\.min: found a number up to 0; allowed: above 0 on a log scale/,
    ],
    [
      'halves where whole numbers are asked for',
      search('random', 9, { depth: { min: 1.5, max: 4, integer: true } }),
      /depth: found an end that is no whole number/,
    ],
    ['a misspelt member of a range', search('random', 9, { eta: { min: 0, maximum: 1 } }), /parameters\.eta\.max/],
    ['a misspelt rule', { gate: { ...gate, maxLatency: 3 } }, /model\.gate\.maxLatency/],
  ])('%s is refused', (_, over, message) => {
    expect(() => model(over)).toThrow(message);
  });
});
