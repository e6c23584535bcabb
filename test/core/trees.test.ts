/** What XGBoost answered, once, for a small model; test/python/model asks it anew, over many models and rows. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readBooster } from '../../core/scores/trees/booster.ts';
import { calibrated, calibrationSchema } from '../../core/scores/trees/calibration.ts';
import { marginOf, rowOf } from '../../core/scores/trees/margin.ts';
import { contributionsOf } from '../../core/scores/trees/tree-shap.ts';

interface Vectors {
  readonly inputs: readonly string[];
  readonly model: object;
  readonly rows: readonly (readonly (number | null)[])[];
  readonly margins: readonly number[];
  readonly contributions: readonly (readonly number[])[];
}

const vectors = JSON.parse(readFileSync(new URL('../conformance/trees.json', import.meta.url), 'utf8')) as Vectors;
const { inputs, rows, margins, contributions } = vectors;
const text = JSON.stringify(vectors.model);
const booster = readBooster(text, inputs);

test('margins are those of XGBoost to the bit, contributions within 1e-6, and they add up', () => {
  rows.forEach((values, i) => {
    const row = rowOf(values)!;
    expect(marginOf(booster, row)).toBe(margins[i]);
    const found = [...contributionsOf(booster, row)];
    found.forEach((value, at) => void expect(value).toBeCloseTo(contributions[i]![at]!, 6));
    expect(found.reduce((all, one) => all + one)).toBeCloseTo(margins[i]!, 5);
  });
  // The rows tell something apart.
  expect(new Set(margins).size).toBeGreaterThan(6);
});

test('what is infinite in binary32 is no row', () => {
  expect(rowOf([1, 3.5e38, null])).toBeNull();
  expect(rowOf([-3.4e38, null, 3.4e38])).not.toBeNull();
});

test.each([
  ['body', 'NaN'],
  ['gradient_booster', text.replace('"gbtree"', '"dart"')],
  ['objective', text.replace('binary:logistic', 'rank:ndcg')],
  ['base_score', text.replace(/"base_score":"[^"]*"/, '"base_score":"[2E-1,3E-1]"')],
  ['base_score', text.replace(/"base_score":"[^"]*"/, '"base_score":"1E0"')],
  ['num_class', text.replace('"num_target":"1"', '"num_target":"2"')],
  ['learner.gradient_booster', text.replaceAll('"sum_hessian"', '"cover"')],
  ['trees.0', text.replace('"split_type":[0', '"split_type":[1')],
  ['trees.0', text.replace('"size_leaf_vector":"1"', '"size_leaf_vector":"2"')],
  ['trees.0', text.replace('"sum_hessian":[', '"sum_hessian":[1,')],
  // A node that is its own child would be walked for ever.
  ['trees.0', text.replace('"left_children":[1', '"left_children":[0')],
])('refused: %s', (field, broken) => {
  expect(broken).not.toBe(text);
  expect(() => readBooster(broken, inputs)).toThrow(new RegExp(`^model\\.json ${field}.*: found .*; allowed: `));
});

test('inputs in another order are refused', () => {
  expect(() => readBooster(text, [...inputs].reverse())).toThrow(/^model.json feature_names: found other inputs/);
});

test('calibration: a line in log-odds, or steps with straight lines between', () => {
  const platt = calibrationSchema.parse({ method: 'platt', intercept: -1, slope: 2 });
  expect(calibrated(platt, 0.5)).toBeCloseTo(0.5, 12);
  expect([calibrated(platt, -1e4), calibrated(platt, 1e4)]).toEqual([0, 1]);
  const isotonic = calibrationSchema.parse({ method: 'isotonic', x: [-1, 0, 0, 2], y: [0.1, 0.2, 0.4, 0.8] });
  const at = [-3, -1, -0.5, 0, 1, 2, 9].map((margin) => calibrated(isotonic, margin));
  [0.1, 0.1, 0.15, 0.4, 0.6, 0.8, 0.8].forEach((score, i) => void expect(at[i]).toBeCloseTo(score, 12));
  expect(calibrationSchema.safeParse({ method: 'beta', x: [] }).success).toBe(false);
});
