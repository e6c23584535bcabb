/** How it is learnt. */

import type { InstantsIR, ModelIR } from '../ir/document.ts';
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

export interface ModelSpec {
  readonly name: string;
  /** Whose features it reads. @default - the only view */
  readonly view?: { readonly features: object };
  /** In the order of the model's input vector. */
  readonly inputs: readonly Input[];
  /** Of the logistic regression that the model must not fall behind; some of `inputs`. */
  readonly baselineInputs: readonly Input[];
  /** XGBoost's, by its names, and `num_boost_round`, `early_stopping_rounds`. @default - the trainer's */
  readonly hyperparameters?: Readonly<Record<string, string | number>>;
  /** Inputs that may only raise the score (`increasing`), or only lower it, as they grow. @default - either */
  readonly monotone?: { readonly increasing?: readonly Input[]; readonly decreasing?: readonly Input[] };
  /** All three slices between fixed instants, or all three moving. */
  readonly train: InstantsSpec | MovingInstantsSpec;
  /** A later slice for early stopping and calibration; its labels close before the test instants. */
  readonly validation: InstantsSpec | MovingInstantsSpec;
  readonly test: InstantsSpec | MovingInstantsSpec;
  readonly seed: number;
  /** What a model must reach before it serves. */
  readonly gate: {
    readonly minAuc: number;
    /** What is better than this has probably seen the future. */
    readonly maxAuc: number;
    /** Lower end of the paired interval. */
    readonly minAucGainOverBaseline: number;
    readonly maxCalibrationError: number;
  };
}

const instantsIR = (spec: InstantsSpec | MovingInstantsSpec, at: string): InstantsIR => ({
  ...('last' in spec
    ? { last_ms: parseDuration(spec.last, `${at}.last`) }
    : { from: instantOf(spec.from, `${at}.from`), to: instantOf(spec.to, `${at}.to`) }),
  every_ms: parseDuration(spec.every, `${at}.every`),
});

/** @param view its name. @param names of its features. @throws DefinitionError */
export function compileModel(model: ModelSpec, view: string, names: FeatureNames): ModelIR {
  checkModel(model);
  const { gate, monotone = {} } = model;
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
    inputs,
    baseline_inputs: called(model.baselineInputs, 'baselineInputs'),
    hyperparameters: { ...model.hyperparameters, ...constraint('increasing'), ...constraint('decreasing') },
    train: instantsIR(model.train, 'model.train'),
    validation: instantsIR(model.validation, 'model.validation'),
    test: instantsIR(model.test, 'model.test'),
    seed: model.seed,
    gate: {
      min_auc: gate.minAuc,
      max_auc: gate.maxAuc,
      min_auc_gain_over_baseline: gate.minAucGainOverBaseline,
      max_calibration_error: gate.maxCalibrationError,
    },
  };
}
