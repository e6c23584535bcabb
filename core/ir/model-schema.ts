/** How it is learnt, and what a model must reach before it serves. */
import { z } from 'zod';
import { ms, name } from './schema-parts.ts';

export const instantsSchema = z.strictObject({ from: ms, to: ms, every_ms: ms.positive() });

/** What a model can be trained with: a folder of `model/frameworks` each. */
export const FRAMEWORKS = ['xgboost', 'pytorch', 'tensorflow', 'sklearn'] as const;

export const modelSchema = z.strictObject({
  name,
  view: name,
  /** Absent: xgboost. */
  framework: z.enum(FRAMEWORKS).optional(),
  /** Features in the order of the model's input vector. */
  inputs: z.array(name).min(1),
  /** Features of the logistic-regression baseline that the model is gated against. */
  baseline_inputs: z.array(name).min(1),
  hyperparameters: z.record(z.string(), z.union([z.string(), z.number()])),
  train: instantsSchema,
  /** Later slice for early stopping and calibration; its labels close before the test instants. */
  validation: instantsSchema,
  test: instantsSchema,
  seed: z.int(),
  /** Which part of the entities has a row at an instant, by sha256 of seed, entity and instant. Absent: all. */
  sampling: z.strictObject({ fraction: z.number().gt(0).lt(1), seed: z.int() }).optional(),
  /** The gate: the model must be better than the baseline by at least this AUC at the interval's lower end, and calibrated. */
  gate: z.strictObject({
    min_auc: z.number().min(0).max(1),
    max_auc: z.number().min(0).max(1),
    min_auc_gain_over_baseline: z.number().min(-1).max(1),
    max_calibration_error: z.number().min(0).max(1),
  }),
});
