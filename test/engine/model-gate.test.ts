import { describe, expect, test } from '@jest/globals';
import type { ModelIR } from '../../core/ir/document.ts';
import { completeCard } from '../../engine/model-card.ts';
import { decideGate } from '../../engine/model-gate.ts';
import type { Manifest, TrainingMetrics } from '../../engine/model-metrics.ts';
import { awsAnswer } from '../conformance/aws.ts';

/** As a use case of before had them, which stay valid. */
const rules: ModelIR['gate'] = {
  min_auc: 0.8,
  max_auc: 0.93,
  min_auc_gain_over_baseline: -0.01,
  max_calibration_error: 0.05,
};
const strict: ModelIR['gate'] = {
  ...rules,
  margin_over_champion: -0.005,
  max_calibration_slope_error: 0.2,
  max_latency_ms: 10,
  max_bytes: 1_000_000,
};
const of = (value: number, low = value - 0.01, high = value + 0.01) => ({ value, low, high });
const quality = { auc: of(0.85), average_precision: of(0.68), brier: of(0.14), calibration_error: of(0.02) };
const champion = {
  comparable: true as const,
  model_version: 'tiny-0123456789ab',
  model: quality,
  difference: { ...quality, auc: of(0.002, -0.003, 0.007) },
};
const metrics: TrainingMetrics = {
  definition_hash: 'h',
  model_sha256: 'a'.repeat(64),
  model_version: 'tiny-aaaaaaaaaaaa',
  training_set_id: 's',
  test: { rows: 2458, entities: 2458, positives: 720, base_rate: 0.293 },
  model: quality,
  baseline: quality,
  difference: { ...quality, auc: of(0.003, -0.004, 0.01) },
  calibration: { method: 'platt', after: { slope: { value: 0.95 } } },
  champion,
  leaks: { failed: [] },
  serving: { latency_ms: { p50: 0.3, p99: 1.25 }, bytes: 512_000 },
};
const manifest: Manifest = { training_set_id: 's', definition_hash: 'h', snapshot_id: '77', spine_hash: 'sp' };
const decide = (over: Partial<TrainingMetrics> = {}, other: Partial<Manifest> = {}, gate = strict) =>
  decideGate(gate, 'h', { ...metrics, ...over }, { ...manifest, ...other }, '"9b2cf535f27731c974343645a3985328-3"');
const withModel = (over: Partial<TrainingMetrics['model']>) => decide({ model: { ...quality, ...over } });
const withSlope = (value: number | null) => decide({ calibration: { method: 'platt', after: { slope: { value } } } });
const withChampion = (low: number) =>
  decide({ champion: { ...champion, difference: { ...quality, auc: of(low + 0.005, low, low + 0.01) } } });
const withLeak = (leak: TrainingMetrics['leaks']['failed'][number]) => decide({ leaks: { failed: [leak] } });
const slow = { ...metrics.serving, latency_ms: { p50: 1, p99: 12.5 } };

describe('decideGate', () => {
  test('passes with its data in the metadata', () => {
    expect(decide()).toEqual({
      passed: true,
      reasons: [],
      metadata: {
        definition_hash: 'h',
        model_sha256: 'a'.repeat(64),
        model_version: 'tiny-aaaaaaaaaaaa',
        model_etag: '9b2cf535f27731c974343645a3985328-3',
        training_set_id: 's',
        snapshot_id: '77',
        spine_hash: 'sp',
        auc: '0.8500',
        auc_low: '0.8400',
        auc_high: '0.8600',
        average_precision: '0.6800',
        brier: '0.1400',
        calibration_error: '0.0200',
        calibration: 'platt',
        baseline_auc: '0.8500',
        auc_gain_over_baseline: '0.0030',
        auc_gain_over_baseline_low: '-0.0040',
        auc_gain_over_baseline_high: '0.0100',
        champion: 'tiny-0123456789ab',
        auc_gain_over_champion: '0.0020',
        auc_gain_over_champion_low: '-0.0030',
        auc_gain_over_champion_high: '0.0070',
        latency_ms: '1.2500',
        bytes: '512000',
        test_rows: '2458',
      },
    });
  });

  test.each([
    ['a low AUC', withModel({ auc: of(0.79) }), 'auc: found 0.7900, 0.0100 too little; allowed: at least 0.8'],
    [
      'an AUC too good to be true',
      withModel({ auc: of(0.95) }),
      'auc: found 0.9500, 0.0200 above 0.93; look for a leak first',
    ],
    [
      'bad calibration',
      withModel({ calibration_error: of(0.051) }),
      'calibration error: found 0.0510, 0.0010 too much; allowed: up to 0.05',
    ],
    [
      'no gain at the lower end',
      decide({ difference: { ...quality, auc: of(0.02, -0.011) } }),
      'auc gain over the baseline, at the lower end: found -0.0110, 0.0010 too little; allowed: at least -0.01',
    ],
    [
      'a model of another definition',
      decide({ definition_hash: 'x' }),
      'definition_hash: the model was trained on another definition than is deployed',
    ],
    [
      'data of another definition',
      decide({}, { definition_hash: 'x' }),
      'definition_hash: the training set has another definition than is deployed',
    ],
    [
      'another training set',
      decide({}, { training_set_id: 'x' }),
      'training_set_id: the model was trained on another training set',
    ],
    [
      'one that is worse than the champion',
      withChampion(-0.012),
      'auc gain over the champion tiny-0123456789ab, at the lower end: found -0.0120, 0.0070 too little; allowed: at least -0.005',
    ],
    [
      'scores too far from the base rate',
      withSlope(0.7),
      'calibration slope 0.7000, its distance from 1: found 0.3000, 0.1000 too much; allowed: up to 0.2',
    ],
    [
      'scores that are all the same',
      withSlope(null),
      'calibration slope: found none, as all scores are the same; allowed: scores that differ',
    ],
    [
      'a slow one',
      decide({ serving: slow }),
      'latency of one row in ms, p99: found 12.5000, 2.5000 too much; allowed: up to 10',
    ],
    [
      'a large one',
      decide({ serving: { ...metrics.serving, bytes: 1_000_001 } }),
      'size in bytes: found 1000001, 1 too many; allowed: up to 1000000',
    ],
    [
      'an input that knows the label',
      withLeak({ check: 'single_input', input: 'peek', found: 0.97, allowed: 0.93 }),
      'leak: auc of input peek alone: found 0.9700, 0.0400 above 0.9300; look for what knows the future',
    ],
    [
      'an input that is the label',
      withLeak({ check: 'input_is_label', input: 'peek', found: 1, allowed: 0.999 }),
      'leak: share of the rows in which input peek is the label: found 1.0000, 0.0010 above 0.9990; look for what knows the future',
    ],
    [
      'an input that forgets',
      withLeak({ check: 'auc_jump', input: 'peek', found: 0.4, allowed: 0.15 }),
      'leak: change of the auc of input peek from train to test: found 0.4000, 0.2500 above 0.1500; look for what knows the future',
    ],
    [
      'a job that knows the labels',
      withLeak({ check: 'shuffled_labels', input: null, found: 0.9, allowed: 0.55 }),
      'leak: lowest auc of models that learnt shuffled labels: found 0.9000, 0.3500 above 0.5500; look for what knows the future',
    ],
  ])('%s is rejected for that reason alone', (_name, decision, reason) => {
    expect(decision.passed).toBe(false);
    expect(decision.reasons).toEqual([reason]);
  });

  test('all rules are told at once', () => {
    const { reasons } = decide({ model: { ...quality, auc: of(0.5), calibration_error: of(0.4) }, serving: slow });
    expect(reasons).toHaveLength(3);
  });

  test('the limits themselves are allowed', () => {
    expect(withModel({ auc: of(0.8), calibration_error: of(0.05) }).passed).toBe(true);
    expect(withModel({ auc: of(0.93) }).passed).toBe(true);
    expect(decide({ difference: { ...quality, auc: of(0, -0.01) } }).passed).toBe(true);
    expect(withChampion(-0.005).passed).toBe(true);
    expect(decide({ serving: { latency_ms: { p50: 1, p99: 10 }, bytes: 1_000_000 } }).passed).toBe(true);
    expect(withSlope(1.1).passed).toBe(true);
  });

  test('a gate of before asks what it asked then', () => {
    const lax = decide(
      { serving: slow, champion: { ...champion, difference: { ...quality, auc: of(-0.2) } } },
      {},
      rules,
    );
    expect(lax.passed).toBe(true);
  });

  test('a champion that could not be asked refuses nobody, and is said to be none', () => {
    const unasked = decide({ champion: { comparable: false, reason: 'another definition' } });
    expect(unasked).toMatchObject({ passed: true, metadata: { champion: 'not comparable' } });
    expect(unasked.metadata).not.toHaveProperty('auc_gain_over_champion');
    expect(decide({ champion: null })).toMatchObject({ passed: true, metadata: { champion: 'none' } });
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

describe('completeCard', () => {
  const card = {
    model_overview: { model_creator: 'Tidemark' },
    evaluation_details: [{ name: 'Test slice' }],
    intended_uses: { risk_rating: 'Unknown' },
  };
  const from = { model_data_url: 's3://lake/models/m.tar.gz', manifest_uri: 's3://lake/training/s/manifest.json' };

  test('adds where the model is and what the gate says, and leaves the rest', () => {
    expect(completeCard(card, { ...from, decision: decide() })).toEqual({
      model_overview: { model_creator: 'Tidemark', model_artifact: [from.model_data_url] },
      intended_uses: card.intended_uses,
      evaluation_details: [
        { name: 'Test slice' },
        { name: 'Gate', evaluation_observation: 'Passed', datasets: [from.manifest_uri] },
      ],
    });
    const refused = completeCard(card, { ...from, decision: withModel({ auc: of(0.79) }) });
    expect(refused.evaluation_details.at(-1)).toMatchObject({
      evaluation_observation: expect.stringMatching(/^auc: /),
    });
  });

  test('refuses what the registry would not take', () => {
    const large = { ...card, additional_information: { custom_details: { much: 'x'.repeat(100_000) } } };
    expect(() => completeCard(large, { ...from, decision: decide() })).toThrow(/card.json: found \d+ characters/);
    expect(() => completeCard({}, { ...from, decision: decide() })).toThrow(/evaluation_details/);
  });
});
