/** Whether a trained model may be registered. Pure. */
import { z } from 'zod';
import type { ModelIR } from '../../core/ir.ts';

const scalar = z.union([z.number(), z.string(), z.boolean(), z.null()]);

/** What train.py reports of the test slice; further scalars go into the registry as they are. */
export const metricsSchema = z
  .object({
    auc: z.number().min(0).max(1),
    baseline_auc: z.number().min(0).max(1),
    /** Lower end of the interval of `auc - baseline_auc`. */
    auc_gain_low: z.number().min(-1).max(1),
    calibration_error: z.number().min(0).max(1),
    definition_hash: z.string(),
    training_set_id: z.string(),
  })
  .catchall(z.unknown());

/** What the training set says of itself. */
export const manifestSchema = z.looseObject({ training_set_id: z.string(), definition_hash: z.string() });

export type Metrics = z.infer<typeof metricsSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

export interface GateDecision {
  readonly passed: boolean;
  /** One sentence for each rule that is broken; empty when it passed. */
  readonly reasons: readonly string[];
  /** For the model package: names to texts. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** @param definition_hash the one that the stream and the scorer compute */
export function decideGate(
  gate: ModelIR['gate'],
  definition_hash: string,
  metrics: Metrics,
  manifest: Manifest,
): GateDecision {
  const reasons: string[] = [];
  const rule = (holds: boolean, sentence: string) => {
    if (!holds) reasons.push(sentence);
  };
  rule(
    metrics.definition_hash === definition_hash,
    'the model was trained with another definition of the features: deploy, build the training set and train again',
  );
  rule(
    manifest.definition_hash === definition_hash,
    'the training set was built with another definition of the features: deploy, build it and train again',
  );
  rule(
    metrics.training_set_id === manifest.training_set_id,
    'the model was trained on another training set than the one whose manifest was given',
  );
  rule(metrics.auc >= gate.min_auc, `AUC ${figure(metrics.auc)} is below ${gate.min_auc}`);
  rule(
    metrics.auc <= gate.max_auc,
    `AUC ${figure(metrics.auc)} is above ${gate.max_auc}: too good to be true, look for the leak`,
  );
  rule(
    metrics.auc_gain_low >= gate.min_auc_gain_over_baseline,
    `the gain over the baseline is ${figure(metrics.auc_gain_low)} at the lower end of its interval, below ${gate.min_auc_gain_over_baseline}`,
  );
  rule(
    metrics.calibration_error <= gate.max_calibration_error,
    `the calibration error ${figure(metrics.calibration_error)} is above ${gate.max_calibration_error}`,
  );
  return { passed: reasons.length === 0, reasons, metadata: metadataOf(metrics) };
}

function figure(value: number): string {
  return value.toFixed(4);
}

/** SageMaker takes 50 properties of up to 256 characters (CreateModelPackage, CustomerMetadataProperties). */
function metadataOf(metrics: Metrics): Record<string, string> {
  const entries = Object.entries(metrics)
    .filter(([key, value]) => scalar.safeParse(value).success && /^[\w.-]{1,128}$/.test(key))
    .map(([key, value]) => [key, String(value).slice(0, 256)] as const);
  return Object.fromEntries(entries.slice(0, 50));
}
