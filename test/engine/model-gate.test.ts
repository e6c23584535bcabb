import { describe, expect, test } from '@jest/globals';
import { decideGate, type Manifest, type TrainingMetrics } from '../../engine/model-gate.ts';
import { awsAnswer } from '../conformance/aws.ts';

const rules = { min_auc: 0.8, max_auc: 0.93, min_auc_gain_over_baseline: -0.01, max_calibration_error: 0.05 };
const of = (value: number, low = value - 0.01, high = value + 0.01) => ({ value, low, high });
const quality = { auc: of(0.85), average_precision: of(0.68), brier: of(0.14), calibration_error: of(0.02) };
const metrics: TrainingMetrics = {
  definition_hash: 'h',
  model_sha256: 'a'.repeat(64),
  training_set_id: 's',
  test: { rows: 2458, entities: 2458, positives: 720, base_rate: 0.293 },
  model: quality,
  baseline: quality,
  difference: { ...quality, auc: of(0.003, -0.004, 0.01) },
};
const manifest: Manifest = { training_set_id: 's', definition_hash: 'h', snapshot_id: '77', spine_hash: 'sp' };
const decide = (over: Partial<TrainingMetrics> = {}, other: Partial<Manifest> = {}) =>
  decideGate(rules, 'h', { ...metrics, ...over }, { ...manifest, ...other }, '"9b2cf535f27731c974343645a3985328-3"');
const withModel = (over: Partial<TrainingMetrics['model']>) => decide({ model: { ...quality, ...over } });

describe('decideGate', () => {
  test('passes with its data in the metadata', () => {
    expect(decide()).toMatchObject({
      passed: true,
      reasons: [],
      metadata: {
        definition_hash: 'h',
        model_sha256: 'a'.repeat(64),
        model_etag: '9b2cf535f27731c974343645a3985328-3',
        training_set_id: 's',
        snapshot_id: '77',
        spine_hash: 'sp',
        auc: '0.8500',
        auc_low: '0.8400',
        auc_high: '0.8600',
        auc_gain_over_baseline: '0.0030',
        auc_gain_over_baseline_low: '-0.0040',
        auc_gain_over_baseline_high: '0.0100',
      },
    });
  });

  test.each([
    ['a low AUC', withModel({ auc: of(0.79) }), /auc: found 0.79/],
    ['an AUC too good to be true', withModel({ auc: of(0.95) }), /leak/],
    ['bad calibration', withModel({ calibration_error: of(0.051) }), /calibration error/],
    ['no gain at the lower end', decide({ difference: { ...quality, auc: of(0.02, -0.011) } }), /lower end/],
    ['a model of another definition', decide({ definition_hash: 'x' }), /the model was trained on another definition/],
    ['data of another definition', decide({}, { definition_hash: 'x' }), /training set has another definition/],
    ['another training set', decide({}, { training_set_id: 'x' }), /another training set/],
  ])('%s is rejected for that reason alone', (_name, decision, reason) => {
    expect(decision.passed).toBe(false);
    expect(decision.reasons).toEqual([expect.stringMatching(reason)]);
  });

  test('the limits themselves are allowed', () => {
    expect(withModel({ auc: of(0.8), calibration_error: of(0.05) }).passed).toBe(true);
    expect(withModel({ auc: of(0.93) }).passed).toBe(true);
    expect(decide({ difference: { ...quality, auc: of(0, -0.01) } }).passed).toBe(true);
  });

  test('the registry takes every key and value of the metadata', () => {
    const allowed = new RegExp(awsAnswer<string>('sagemaker.customer-metadata'), 'u');
    for (const [key, value] of Object.entries(decide().metadata)) {
      expect(key).toMatch(allowed);
      expect(value).toMatch(allowed);
      expect(key.length).toBeLessThanOrEqual(128);
      expect(value.length).toBeLessThanOrEqual(256);
    }
    expect('0.8500 [0.8400, 0.8600]').not.toMatch(allowed);
  });
});
