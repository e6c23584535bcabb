/** What is tried against what serves. */
import type { VariantName } from '../experiments/assignment.ts';
import type { ExperimentIR, FeatureViewIR } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { parseDuration } from '../values/time.ts';
import { type FeatureNames, nameOf } from './feature.ts';

import type { Label } from './label.ts';
import type { Input } from './model.ts';
import { has, type Members, requireMembers } from './spec.ts';
import { EXPERIMENT, LABEL } from './symbols.ts';

/** A feature of the model's view, some time after an entity was first scored in the experiment. */
export interface FeatureMetric {
  readonly of: Input;
  /** `28d`: how long after. */
  readonly after: string;
  /** Its mean, or the share of entities for which it is above 0 or true. @default - proportion of a bool, else mean */
  readonly as?: 'mean' | 'proportion';
}

export interface ExperimentSpec {
  /** Never used again: what it decided stays readable by this name. */
  readonly name: string;
  /** The label, or a feature some time later. */
  readonly metric: Label | FeatureMetric;
  /** Which change of the metric is wanted. */
  readonly direction: 'increase' | 'decrease';
  /** Entities with a known outcome in each variant before anything is recommended. */
  readonly minimumSample: number;
  /** Entities with a known outcome in both variants when it is meant to be decided. */
  readonly plannedSample: number;
  /** How long new entities are taken in, such as `28d`. */
  readonly duration: string;
  /** The share of entities that get a variant at the start; it may be widened, never narrowed. @default 1, less the hold-out */
  readonly coverage?: number;
  /** Shares of the variants. @default - half each */
  readonly variants?: Readonly<Record<VariantName, number>>;
  /** The share of entities that nobody is told of while it runs: what telling brings. @default 0 */
  readonly holdOut?: number;
  /** How often its interval may miss the truth, over all looks together. @default 0.05 */
  readonly alpha?: number;
  /** When it may be decided: at any time after the minimum sample, or at the planned sample. @default 'any_time' */
  readonly stop?: ExperimentIR['stop'];
  /** `growthbook`: the variants that GrowthBook's SDKs give by the same seed, which is the salt of the variant. @default 'sha256' */
  readonly hash?: ExperimentIR['hash'];
  /** What ids are hashed with. @default - made of the experiment's name */
  readonly salts?: { readonly enrol: string; readonly variant: string };
}

/** An experiment of a use case, such as `experiment` makes it. */
export interface Experiment {
  readonly [EXPERIMENT]: ExperimentSpec;
}

const SPEC: Members = {
  name: 'text',
  metric: 'object',
  direction: 'text',
  minimumSample: 'number',
  plannedSample: 'number',
  duration: 'text',
  coverage: 'number?',
  variants: 'object?',
  holdOut: 'number?',
  alpha: 'number?',
  stop: 'text?',
  hash: 'text?',
  salts: 'object?',
};
const FEATURE_METRIC: Members = { of: 'feature', after: 'text', as: 'text?' };
const WEIGHTS: Members = { champion: 'number', challenger: 'number' };
const SALTS: Members = { enrol: 'text', variant: 'text' };

/**
 * A model against the one that serves: who gets which, for how long, and by what the two are judged. It begins with
 * `tidemark experiment start`.
 * @throws DefinitionError
 */
export function experiment(spec: ExperimentSpec): Experiment {
  requireMembers(spec, SPEC, 'experiment');
  const at = `experiments.${spec.name}`;
  if (!has(spec.metric, LABEL)) requireMembers(spec.metric, FEATURE_METRIC, `${at}.metric`);
  if (spec.variants !== undefined) requireMembers(spec.variants, WEIGHTS, `${at}.variants`);
  if (spec.salts !== undefined) requireMembers(spec.salts, SALTS, `${at}.salts`);
  return { [EXPERIMENT]: spec };
}

/** @param names of the features of the model's view. @throws DefinitionError */
export function compileExperiments(
  experiments: readonly Experiment[],
  names: FeatureNames,
  { features }: FeatureViewIR,
): ExperimentIR[] {
  return experiments.map((one, i) => {
    if (!has(one, EXPERIMENT))
      throw new DefinitionError(
        `experiments.${i}`,
        shown(one),
        'an experiment such as experiment({ name, metric, … })',
      );
    const spec = one[EXPERIMENT];
    const { name, holdOut = 0, variants = { champion: 0.5, challenger: 0.5 } } = spec;
    const at = `experiments.${name}`;
    return {
      name,
      hash: spec.hash ?? 'sha256',
      salts: spec.salts ?? { enrol: `${name}/enrol`, variant: `${name}/variant` },
      coverage: spec.coverage ?? 1 - holdOut,
      hold_out: holdOut,
      variants: [
        { name: 'champion', weight: variants.champion },
        { name: 'challenger', weight: variants.challenger },
      ],
      metric: metricOf(spec.metric, names, features, `${at}.metric`),
      direction: spec.direction,
      minimum_sample: spec.minimumSample,
      planned_sample: spec.plannedSample,
      alpha: spec.alpha ?? 0.05,
      stop: spec.stop ?? 'any_time',
      duration_ms: parseDuration(spec.duration, `${at}.duration`),
    };
  });
}

function metricOf(
  metric: ExperimentSpec['metric'],
  names: FeatureNames,
  features: FeatureViewIR['features'],
  at: string,
): ExperimentIR['metric'] {
  if (!('of' in metric)) return { kind: 'label' };
  const feature = nameOf(metric.of, names, `${at}.of`);
  const type = features.find(({ name }) => name === feature)?.value_type;
  const as = metric.as ?? (type === 'bool' ? 'proportion' : 'mean');
  return { kind: 'feature', feature, after_ms: parseDuration(metric.after, `${at}.after`), as };
}
