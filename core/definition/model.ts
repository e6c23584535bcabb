/** How it is learnt. */

import type { Framework, InstantsIR, ModelIR } from '../ir/document.ts';
import { DefinitionError } from '../ir/errors.ts';
import { instantOf, parseDuration } from '../values/time.ts';
import { checkModel } from './check-learning.ts';
import { type Feature, type FeatureNames, nameOf } from './feature.ts';

/** Instants from one to another, both included where they are met: ISO-8601 with a zone, and a duration. */
export interface InstantsSpec {
  readonly from: string;
  readonly to: string;
  readonly every: string;
}

/**
 * The last instants whose labels are known when a training set is built, so that each training learns of later days. The
 * test ends at the last midnight (UTC) whose horizon closed by the newest event known, validation and train a horizon before
 * the slice behind them begins.
 */
export interface MovingInstantsSpec {
  /** How far back the slice goes from its end: a duration. */
  readonly last: string;
  readonly every: string;
}

/** One value, and no list. */
export type Input = Feature<'int' | 'float' | 'bool' | 'string'>;

/** Values that a hyperparameter may take: these, or from `min` to `max`, both included. */
export type SearchRange =
  | { readonly values: readonly (string | number)[] }
  | {
      readonly min: number;
      readonly max: number;
      /** Even over the range, or over its logarithm. @default 'linear' */
      readonly scale?: 'linear' | 'log';
      /** Whole numbers only. @default false */
      readonly integer?: boolean;
    };

/** Tried inside the one training job and judged on the tuning half of the validation slice; the same trials everywhere. */
export interface SearchSpec {
  /** Seeded draws, or every point of `values`. */
  readonly strategy: 'random' | 'grid';
  /** At most 30 in all; the first is `hyperparameters` as they stand. */
  readonly trials: number;
  /** @default - the model's */
  readonly seed?: number;
  /** By the names of `hyperparameters`. */
  readonly parameters: Readonly<Record<string, SearchRange>>;
}

export interface ModelSpec {
  readonly name: string;
  /** Whose features it reads. @default - the only view */
  readonly view?: { readonly features: object };
  /** In the order of the model's input vector. */
  readonly inputs: readonly Input[];
  /** Of the logistic regression that the model must not fall behind; some of `inputs`. */
  readonly baselineInputs: readonly Input[];
  /** What it is trained with. @default 'xgboost' */
  readonly framework?: Framework;
  /** The framework's, by its names; those of the trainer stand in `model/frameworks/<framework>/train.py`. @default - the trainer's */
  readonly hyperparameters?: Readonly<Record<string, string | number>>;
  /** Inputs that may only raise the score (`increasing`), or only lower it, as they grow. @default - either */
  readonly monotone?: { readonly increasing?: readonly Input[]; readonly decreasing?: readonly Input[] };
  /** All three slices between fixed instants, or all three moving. */
  readonly train: InstantsSpec | MovingInstantsSpec;
  /** A later slice for early stopping and calibration; its labels close before the test instants. */
  readonly validation: InstantsSpec | MovingInstantsSpec;
  readonly test: InstantsSpec | MovingInstantsSpec;
  readonly seed: number;
  /** Which part of the entities has a row at an instant, drawn anew for each: `{ fraction: 0.1, seed: 1 }`. @default - all */
  readonly sampling?: { readonly fraction: number; readonly seed: number };
  /** Hyperparameters to try. @default - `hyperparameters` as they stand */
  readonly search?: SearchSpec;
  /** Platt's two parameters, an isotonic regression, or what cross-fitting finds better. @default 'auto' */
  readonly calibration?: 'auto' | 'platt' | 'isotonic';
  /** Some of `inputs`, by whose values (enums, flags) or quarters (numbers) the model is measured too. */
  readonly segments?: readonly Input[];
  /** What a model must reach before it serves. */
  readonly gate: GateSpec;
}

/** What a model must reach before it serves; all of it, and no leak found. */
export interface GateSpec {
  readonly minAuc: number;
  /** What is better than this has probably seen the future, be it the model or one input alone. */
  readonly maxAuc: number;
  /** Lower end of the paired interval. */
  readonly minAucGainOverBaseline: number;
  readonly maxCalibrationError: number;
  /** AUC over the model that serves, at the lower end of the paired interval. @default - the champion is not asked */
  readonly marginOverChampion?: number;
  /** Distance of the calibration slope on the test slice from 1. @default - any */
  readonly maxCalibrationSlopeError?: number;
  /** Of one row with its contributions, 99th percentile, where the model is trained. @default - any */
  readonly maxLatencyMs?: number;
  /** Of the files that decide a score. @default - any */
  readonly maxBytes?: number;
}

const instantsIR = (spec: InstantsSpec | MovingInstantsSpec, at: string): InstantsIR => ({
  ...('last' in spec
    ? { last_ms: parseDuration(spec.last, `${at}.last`) }
    : { from: instantOf(spec.from, `${at}.from`), to: instantOf(spec.to, `${at}.to`) }),
  every_ms: parseDuration(spec.every, `${at}.every`),
});

/** Trees can be told which way a score may go; a network can't. */
const MONOTONE: readonly Framework[] = ['xgboost', 'sklearn'];

/** @param view its name. @param names of its features. @throws DefinitionError */
export function compileModel(model: ModelSpec, view: string, names: FeatureNames): ModelIR {
  checkModel(model);
  const { monotone = {}, framework = 'xgboost' } = model;
  if (model.monotone && !MONOTONE.includes(framework))
    throw new DefinitionError('model.monotone', `it with framework ${framework}`, `it with ${MONOTONE.join(' or ')}`);
  const called = (features: readonly Feature[], list: string) =>
    features.map((feature, i) => nameOf(feature, names, `model.${list}.${i}`));
  const inputs = called(model.inputs, 'inputs');
  const constraint = (direction: 'increasing' | 'decreasing') => {
    const constrained = called(monotone[direction] ?? [], `monotone.${direction}`);
    const other = constrained.find((name) => !inputs.includes(name));
    if (other !== undefined)
      throw new DefinitionError(`model.monotone.${direction}`, `${other}, which is no input`, 'some of model.inputs');
    return constrained.length > 0 ? { [direction]: constrained.join(',') } : {};
  };
  return {
    name: model.name,
    view,
    ...(framework !== 'xgboost' && { framework }),
    inputs,
    baseline_inputs: called(model.baselineInputs, 'baselineInputs'),
    hyperparameters: { ...model.hyperparameters, ...constraint('increasing'), ...constraint('decreasing') },
    train: instantsIR(model.train, 'model.train'),
    validation: instantsIR(model.validation, 'model.validation'),
    test: instantsIR(model.test, 'model.test'),
    seed: model.seed,
    ...(model.sampling && { sampling: { fraction: model.sampling.fraction, seed: model.sampling.seed } }),
    ...(model.search && { search: searchIR(model.search, model.seed) }),
    ...(model.calibration && { calibration: model.calibration }),
    ...(model.segments && { segments: called(model.segments, 'segments') }),
    gate: gateIR(model.gate),
  };
}

function searchIR({ strategy, trials, seed, parameters }: SearchSpec, ofModel: number): NonNullable<ModelIR['search']> {
  const ranges = Object.entries(parameters).map(([name, range]) => {
    if ('values' in range) return [name, range] as const;
    const { min, max, scale = 'linear', integer } = range;
    return [name, { min, max, scale, ...(integer && { integer }) }] as const;
  });
  return { strategy, trials, seed: seed ?? ofModel, parameters: Object.fromEntries(ranges) };
}

function gateIR(gate: GateSpec): ModelIR['gate'] {
  return {
    min_auc: gate.minAuc,
    max_auc: gate.maxAuc,
    min_auc_gain_over_baseline: gate.minAucGainOverBaseline,
    max_calibration_error: gate.maxCalibrationError,
    ...(gate.marginOverChampion !== undefined && { margin_over_champion: gate.marginOverChampion }),
    ...(gate.maxCalibrationSlopeError !== undefined && { max_calibration_slope_error: gate.maxCalibrationSlopeError }),
    ...(gate.maxLatencyMs !== undefined && { max_latency_ms: gate.maxLatencyMs }),
    ...(gate.maxBytes !== undefined && { max_bytes: gate.maxBytes }),
  };
}
