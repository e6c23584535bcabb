/** What a training job says of its model, and the builder of its training set, as far as it decides anything here. */
import { z } from 'zod';

const intervalSchema = z.object({ value: z.number(), low: z.number(), high: z.number() });
export type Interval = z.infer<typeof intervalSchema>;
const qualitySchema = z.object({
  auc: intervalSchema,
  average_precision: intervalSchema,
  brier: intervalSchema,
  calibration_error: intervalSchema,
});

/** What train.py writes to metrics.json; intervals are bootstrap percentiles at 95 %. */
export const metricsSchema = z.object({
  definition_hash: z.string(),
  /** Of what decides a score: the package names it, and the endpoint loads nothing else. */
  model_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  model_version: z.string().min(1),
  training_set_id: z.string(),
  test: z.object({ rows: z.number(), entities: z.number(), positives: z.number(), base_rate: z.number() }),
  model: qualitySchema,
  baseline: qualitySchema,
  /** Model minus baseline, paired. */
  difference: qualitySchema,
  calibration: z.object({
    method: z.enum(['platt', 'isotonic']),
    /** Of the calibrated scores on the test slice: slope 1 is calibrated; null where all scores are the same. */
    after: z.object({ slope: z.object({ value: z.number().nullable() }) }),
  }),
  /** The model that serves, on the same rows; null: none serves. */
  champion: z
    .discriminatedUnion('comparable', [
      z.object({ comparable: z.literal(false), reason: z.string() }),
      z.object({
        comparable: z.literal(true),
        model_version: z.string(),
        model: qualitySchema,
        /** Model minus champion, paired. */
        difference: qualitySchema,
      }),
    ])
    .nullable(),
  leaks: z.object({
    failed: z.array(
      z.object({
        check: z.enum(['input_is_label', 'single_input', 'auc_jump', 'shuffled_labels']),
        /** null: of the job, not of one input. */
        input: z.string().nullable(),
        found: z.number(),
        allowed: z.number(),
      }),
    ),
  }),
  serving: z.object({
    /** Of one row with its contributions, on the machine that trains. */
    latency_ms: z.object({ p50: z.number(), p99: z.number() }),
    /** Of the files that decide a score. */
    bytes: z.int(),
  }),
});
export type TrainingMetrics = z.infer<typeof metricsSchema>;

export const manifestSchema = z.object({
  training_set_id: z.string(),
  definition_hash: z.string(),
  snapshot_id: z.union([z.string(), z.number()]),
  spine_hash: z.string(),
});
export type Manifest = z.infer<typeof manifestSchema>;
