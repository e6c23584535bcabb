/** How it is learnt, and what a model must reach before it serves. */
import { z } from 'zod';
import { ms, name } from './schema-parts.ts';

export const fixedInstantsSchema = z.strictObject({ from: ms, to: ms, every_ms: ms.positive() });
/**
 * The last `last_ms` whose labels are known when a training set is built, so that a later training learns of later days: the
 * test ends where its horizon has closed at the newest event known, each earlier slice a horizon before the next one begins.
 */
const movingInstantsSchema = z.strictObject({ last_ms: ms.positive(), every_ms: ms.positive() });
export const instantsSchema = z.union([fixedInstantsSchema, movingInstantsSchema]);

export const modelSchema = z.strictObject({
  name,
  view: name,
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
  /** The gate: the model must be better than the baseline by at least this AUC at the interval's lower end, and calibrated. */
  gate: z.strictObject({
    min_auc: z.number().min(0).max(1),
    max_auc: z.number().min(0).max(1),
    min_auc_gain_over_baseline: z.number().min(-1).max(1),
    max_calibration_error: z.number().min(0).max(1),
  }),
});
