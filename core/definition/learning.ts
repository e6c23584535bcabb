/** What is predicted, how it is learnt, and when people hear of it. */

import type { AlertIR, InstantsIR, LabelIR, ModelIR, ReasonIR } from '../ir/document.ts';
import { DefinitionError } from '../ir/errors.ts';
import { instantOf, parseDuration } from '../values/time.ts';
import { checkAlerts, checkLabel, checkModel } from './checks.ts';
import { predicatesOf, type Where } from './column.ts';
import { type Contract, contractIR } from './contracts.ts';
import { type Feature, type FeatureNames, nameOf } from './feature.ts';
import { LABEL } from './symbols.ts';

/** What a model learns to predict, such as `noEvent` makes it. */
export interface Label {
  readonly [LABEL]: LabelIR;
}

export const labelIR = ({ [LABEL]: ir }: Label): LabelIR => ir;

/**
 * 1 when no event of `of` falls into the `horizon` that begins at the instant asked for, else 0: who falls silent.
 * @throws DefinitionError
 */
export function noEvent<Event extends string>(spec: {
  /** What it is called in training sets and metrics. */
  readonly name: string;
  readonly of: Contract<Event>;
  /** Only events for which this holds break the silence. @default - every event */
  readonly where?: Where<NoInfer<Event>>;
  /** `14d`: how long the silence lasts. */
  readonly horizon: string;
  /** An entity is learnt from, and scored, once it had an event of this contract. @default - of `of` */
  readonly eligible?: Contract;
}): Label {
  checkLabel(spec);
  const { event_type } = contractIR(spec.of);
  return {
    [LABEL]: {
      name: spec.name,
      kind: 'no_event',
      event_type,
      where: predicatesOf(spec.where, event_type, 'label.where'),
      horizon_ms: parseDuration(spec.horizon, 'label.horizon'),
      eligible: { event_type: spec.eligible ? contractIR(spec.eligible).event_type : event_type },
    },
  };
}

/** Instants from one to another, both included where they are met: ISO-8601 with a zone, and a duration. */
export interface InstantsSpec {
  readonly from: string;
  readonly to: string;
  readonly every: string;
}

/** One value, and no list. */
type Input = Feature<'int' | 'float' | 'bool' | 'string'>;

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
  readonly train: InstantsSpec;
  /** A later slice for early stopping and calibration; its labels close before the test instants. */
  readonly validation: InstantsSpec;
  readonly test: InstantsSpec;
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

/** Plain words for a feature that pushes the score up. */
export interface ReasonSpec {
  readonly of: Input;
  /** `{value}` is replaced by the feature's value. */
  readonly text: string;
  /** How the value is written: plain number, days from ms, money from minor units, or percent of a ratio. */
  readonly format: ReasonIR['format'];
}

export interface AlertSpec {
  readonly name: string;
  readonly threshold: number;
  /** The entity can alert again only after its score fell below this … */
  readonly rearmBelow: number;
  /** … or after this long, such as `28d`. */
  readonly cooldown: string;
  /** How many reasons an alert names at most. */
  readonly topReasons: number;
  readonly title: string;
  /** `{entity_id}` and `{t}` are replaced (URL-encoded). */
  readonly link: string;
  /** @default - none */
  readonly reasons?: readonly ReasonSpec[];
}

const instantsIR = ({ from, to, every }: InstantsSpec, at: string): InstantsIR => ({
  from: instantOf(from, `${at}.from`),
  to: instantOf(to, `${at}.to`),
  every_ms: parseDuration(every, `${at}.every`),
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

/** @param names of the features of the model's view. @throws DefinitionError */
export function compileAlerts(alerts: AlertSpec, names: FeatureNames): AlertIR {
  checkAlerts(alerts);
  const { name, threshold, title, link, reasons = [] } = alerts;
  return {
    name,
    threshold,
    rearm_below: alerts.rearmBelow,
    cooldown_ms: parseDuration(alerts.cooldown, 'alerts.cooldown'),
    top_reasons: alerts.topReasons,
    title,
    link,
    reasons: Object.fromEntries(
      reasons.map(({ of, text, format }, i) => [nameOf(of, names, `alerts.reasons.${i}`), { text, format }]),
    ),
  };
}
