/** What experiments must agree on with each other, the label and the view. */
import type { ExperimentIR } from '../ir/document.ts';
import { fail } from '../ir/errors.ts';
import type { ModelUseCaseIR } from '../ir/parts.ts';
import { unique } from './validate-view.ts';

/** Weights are written as decimals. */
const ROUNDING = 1e-9;

export function validateExperiments(ir: ModelUseCaseIR): void {
  const experiments = ir.experiments ?? [];
  unique(
    experiments.map(({ name }) => name),
    'experiments',
  );
  for (const experiment of experiments) checkExperiment(experiment, ir);
}

function checkExperiment(experiment: ExperimentIR, ir: ModelUseCaseIR): void {
  const { name, salts, coverage, hold_out, variants, minimum_sample, planned_sample } = experiment;
  const at = `experiments.${name}`;
  const weights = variants.reduce((sum, { weight }) => sum + weight, 0);
  if (Math.abs(weights - 1) > ROUNDING)
    fail(`${at}.variants`, `weights that add up to ${weights}`, 'weights that add up to 1');
  // One number for both would let the share that takes part decide which variant it gets.
  if (salts.enrol === salts.variant) fail(`${at}.salts`, 'the same salt twice', 'two different salts');
  if (coverage + hold_out > 1 + ROUNDING)
    fail(`${at}.coverage`, `${coverage} beside a hold-out of ${hold_out}`, `up to ${1 - hold_out}`);
  if (planned_sample < 2 * minimum_sample)
    fail(
      `${at}.plannedSample`,
      String(planned_sample),
      `at least ${2 * minimum_sample}, the minimum sample of both variants`,
    );
  checkMetric(experiment, ir, `${at}.metric`);
}

function checkMetric({ metric }: ExperimentIR, { model, views }: ModelUseCaseIR, at: string): void {
  if (metric.kind === 'label') return;
  const view = views.find(({ name }) => name === model.view)!;
  const feature = view.features.find(({ name }) => name === metric.feature);
  if (!feature) fail(`${at}.of`, `unknown feature ${metric.feature}`, 'features of the view');
  if (!['int', 'float', 'bool'].includes(feature.value_type))
    fail(`${at}.of`, `${metric.feature}, whose value is of type ${feature.value_type}`, 'numbers and booleans');
  if (feature.value_type === 'bool' && metric.as === 'mean') fail(`${at}.as`, 'mean of a boolean', "'proportion'");
}
