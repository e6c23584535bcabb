/** Whether a trained model may serve. Pure: metrics and manifest in, a decision with its reasons out. */
import { z } from 'zod';
import type { ModelIR } from '../core/ir/document.ts';

const interval = z.object({ value: z.number(), low: z.number(), high: z.number() });
const quality = z.object({ auc: interval, average_precision: interval, brier: interval, calibration_error: interval });

/** What train.py writes to metrics.json; intervals are bootstrap percentiles at 95 %. */
export const metricsSchema = z.object({
  definition_hash: z.string(),
  /** Of what decides a score: the package names it, and the endpoint loads nothing else. */
  model_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  training_set_id: z.string(),
  test: z.object({ rows: z.number(), entities: z.number(), positives: z.number(), base_rate: z.number() }),
  model: quality,
  baseline: quality,
  /** Model minus baseline, paired. */
  difference: quality,
});
export type TrainingMetrics = z.infer<typeof metricsSchema>;

export const manifestSchema = z.object({
  training_set_id: z.string(),
  definition_hash: z.string(),
  snapshot_id: z.union([z.string(), z.number()]),
  spine_hash: z.string(),
});
export type Manifest = z.infer<typeof manifestSchema>;

export interface GateDecision {
  readonly passed: boolean;
  /** One sentence for each criterion that failed. */
  readonly reasons: readonly string[];
  /**
   * For the registry: text of `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, 1 to 256 characters, and nothing else
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html, CustomerMetadataProperties). The
   * ends of an interval have keys of their own: `auc`, `auc_low`, `auc_high`.
   */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * @param definition_hash of the view that is deployed here
 * @param etag of the model's archive, as S3 gives it: in quotes
 */
export function decideGate(
  gate: ModelIR['gate'],
  definition_hash: string,
  metrics: TrainingMetrics,
  manifest: Manifest,
  etag: string,
): GateDecision {
  const { model, baseline, difference } = metrics;
  const gain = difference.auc;
  const reasons: string[] = [];
  const demand = (holds: boolean, sentence: string) => {
    if (!holds) reasons.push(sentence);
  };
  demand(
    metrics.definition_hash === definition_hash,
    'definition_hash: the model was trained on another definition than is deployed',
  );
  demand(
    manifest.definition_hash === definition_hash,
    'definition_hash: the training set has another definition than is deployed',
  );
  demand(
    manifest.training_set_id === metrics.training_set_id,
    'training_set_id: the model was trained on another training set',
  );
  demand(model.auc.value >= gate.min_auc, `auc: found ${n(model.auc.value)}; allowed: at least ${gate.min_auc}`);
  demand(
    model.auc.value <= gate.max_auc,
    `auc: found ${n(model.auc.value)}; above ${gate.max_auc} look for a leak first`,
  );
  demand(
    gain.low >= gate.min_auc_gain_over_baseline,
    `auc gain over the baseline: found ${n(gain.low)} at the lower end; allowed: at least ${gate.min_auc_gain_over_baseline}`,
  );
  demand(
    model.calibration_error.value <= gate.max_calibration_error,
    `calibration error: found ${n(model.calibration_error.value)}; allowed: up to ${gate.max_calibration_error}`,
  );
  return {
    passed: reasons.length === 0,
    reasons,
    metadata: {
      definition_hash: metrics.definition_hash,
      model_sha256: metrics.model_sha256,
      // Of the whole archive, with the code that compares the sha256.
      model_etag: etag.replaceAll('"', ''),
      training_set_id: metrics.training_set_id,
      snapshot_id: String(manifest.snapshot_id),
      spine_hash: manifest.spine_hash,
      ...withEnds('auc', model.auc),
      average_precision: n(model.average_precision.value),
      brier: n(model.brier.value),
      calibration_error: n(model.calibration_error.value),
      baseline_auc: n(baseline.auc.value),
      ...withEnds('auc_gain_over_baseline', gain),
      test_rows: String(metrics.test.rows),
    },
  };
}

function n(value: number): string {
  return value.toFixed(4);
}

function withEnds(key: string, { value, low, high }: z.infer<typeof interval>): Record<string, string> {
  return { [key]: n(value), [`${key}_low`]: n(low), [`${key}_high`]: n(high) };
}
