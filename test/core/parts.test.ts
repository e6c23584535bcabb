/** Which parts a use case may leave out, and which need each other. */
import { describe, expect, test } from '@jest/globals';
import {
  type AlertSpec,
  contract,
  count,
  defineUseCase,
  field,
  type ModelSpec,
  noEvent,
  type UseCaseSpec,
} from '../../core/definition/define.ts';
import { parseUseCase } from '../../core/definition/usecase.ts';
import { DefinitionError } from '../../core/ir/errors.ts';
import { hasModel, onlineView, requireModel } from '../../core/ir/parts.ts';

const order = contract('order', 1, { fields: { amount: field.int({ min: 0, max: 9 }) } });
const n = count({ of: order, window: '7d' });
const view = { entity: 'customer', features: { n } };
const base = { name: 'some', entity: 'customer', contracts: [order], views: { some: view } } satisfies UseCaseSpec;
const label = noEvent({ name: 'gone', of: order, horizon: '14d' });
const model: ModelSpec = {
  ...{ name: 'some', view, inputs: [n], baselineInputs: [n], seed: 1 },
  train: { from: '2017-05-01T00:00:00Z', to: '2017-09-01T00:00:00Z', every: '14d' },
  validation: { from: '2017-09-15T00:00:00Z', to: '2017-10-01T00:00:00Z', every: '14d' },
  test: { from: '2017-11-01T00:00:00Z', to: '2017-11-01T00:00:00Z', every: '14d' },
  gate: { minAuc: 0.7, maxAuc: 0.95, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
};
const alerts: AlertSpec = {
  ...{ name: 'a', threshold: 0.8, rearmBelow: 0.6, cooldown: '14d', topReasons: 1, title: 't', link: 'l' },
};

describe('valid', () => {
  test.each<[string, Partial<UseCaseSpec>, boolean]>([
    ['events and features alone', {}, false],
    ['a label and its model', { label, model }, true],
    ['all', { label, model, alerts }, true],
  ])('%s', (_, parts, learns) => {
    const ir = defineUseCase({ ...base, ...parts });
    expect(hasModel(ir)).toBe(learns);
    expect(onlineView(ir).name).toBe('some');
    const absent = ['label', 'model', 'alerts'].filter((part) => !(part in parts));
    // Absent, not null: a document without a part is read by every language as one that does not name it.
    expect(Object.keys(ir).filter((key) => absent.includes(key))).toEqual([]);
    expect(parseUseCase(JSON.parse(JSON.stringify(ir)))).toEqual(ir);
    if (learns) expect(requireModel(ir)).toBe(ir);
    else expect(() => requireModel(ir)).toThrow(/^model: found none: this use case has events and features alone/);
  });

  test('the parts change nothing of a view', () => {
    expect(defineUseCase(base).views).toEqual(defineUseCase({ ...base, label, model, alerts }).views);
  });
});

describe('refused, by the name of the part', () => {
  test.each<[string, Partial<UseCaseSpec>, RegExp]>([
    ['a label that nothing learns', { label }, /^model: found none, but a label; allowed: label and model, or neither/],
    ['a model that learns nothing', { model }, /^label: found none, but a model; allowed: label and model, or neither/],
    ['alerts without scores', { alerts }, /^alerts: found alerts without a model/],
    ['alerts of a label', { label, alerts }, /^model: found none, but a label/],
    [
      'two views, of which none is the online one',
      { views: { some: view, other: view } },
      /^views: found 2 views and no model; allowed: one view, or a model that reads one/,
    ],
  ])('%s', (_, parts, message) => {
    expect(() => defineUseCase({ ...base, ...parts })).toThrow(DefinitionError);
    expect(() => defineUseCase({ ...base, ...parts })).toThrow(message);
  });

  test.each(['label', 'model', 'alerts'])('a part that is null: %s', (part) => {
    const ir = JSON.parse(JSON.stringify(defineUseCase({ ...base, label, model, alerts })));
    expect(() => parseUseCase({ ...ir, [part]: null })).toThrow(new RegExp(`^${part}: found null`));
  });
});
