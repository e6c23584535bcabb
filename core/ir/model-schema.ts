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

/** Values that a hyperparameter may take in a search; both ends are included. */
const searchRangeSchema = z.union([
  z.strictObject({ values: z.array(z.union([z.string(), z.number()])).min(1) }),
  z.strictObject({
    min: z.number(),
    max: z.number(),
    /** Draws are even over the range, or over its logarithm. */
    scale: z.enum(['linear', 'log']),
    integer: z.boolean().optional(),
  }),
]);

/** Inside the one training job; trial 0 is what `hyperparameters` says. */
const searchSchema = z.strictObject({
  strategy: z.enum(['random', 'grid']),
  trials: z.int().min(2).max(30),
  seed: z.int(),
  parameters: z.record(z.string(), searchRangeSchema),
});

/** All must hold; a rule that is absent is not asked. */
const gateSchema = z.strictObject({
  min_auc: z.number().min(0).max(1),
  /** Of the model, and of any input alone. */
  max_auc: z.number().min(0).max(1),
  /** AUC at the lower end of the paired interval, as is the margin over the champion. */
  min_auc_gain_over_baseline: z.number().min(-1).max(1),
  max_calibration_error: z.number().min(0).max(1),
  margin_over_champion: z.number().min(-1).max(1).optional(),
  /** Distance of the calibration slope on the test slice from 1. */
  max_calibration_slope_error: z.number().positive().optional(),
  /** Of one row with its contributions, 99th percentile, on the machine that trains. */
  max_latency_ms: z.number().positive().optional(),
  /** Of the files that decide a score. */
  max_bytes: z.int().positive().optional(),
});

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
  search: searchSchema.optional(),
  /** Absent: `auto`, chosen by cross-fitting. */
  calibration: z.enum(['auto', 'platt', 'isotonic']).optional(),
  /** Inputs by whose values the model is measured too. */
  segments: z.array(name).optional(),
  gate: gateSchema,
});
