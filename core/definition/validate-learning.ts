/** What label, model and alerts must agree on. */

import type { AlertIR, ModelIR } from '../ir/document.ts';
import { fail } from '../ir/errors.ts';
import type { ModelUseCaseIR } from '../ir/parts.ts';
import { checkWhere, columnsOf, isList, unique } from './validate-view.ts';

export function validateLearning(ir: ModelUseCaseIR): void {
  checkLabel(ir);
  checkModel(ir);
  if (ir.alerts) checkAlerts(ir.alerts, ir);
}

function checkLabel(ir: ModelUseCaseIR): void {
  checkWhere(ir.label.where, columnsOf(ir.contracts, ir.label.event_type, 'label.of'), 'label.where');
  columnsOf(ir.contracts, ir.label.eligible.event_type, 'label.eligible');
}

function checkModel(ir: ModelUseCaseIR): void {
  const { model, label } = ir;
  const view = ir.views.find((candidate) => candidate.name === model.view);
  if (!view) fail('model.view', `unknown view ${model.view}`, ir.views.map((v) => v.name).join(', '));
  const features = new Map(view.features.map((feature) => [feature.name, feature]));
  unique(model.inputs, 'model.inputs');
  for (const list of ['inputs', 'baseline_inputs'] as const) {
    const at = list === 'inputs' ? 'model.inputs' : 'model.baselineInputs';
    for (const name of model[list]) {
      const feature = features.get(name);
      if (!feature) fail(at, `unknown feature ${name}`, 'features of the view');
      if (isList(feature)) fail(at, `${name}, which is a list`, 'features with one value');
      if (feature.kind === 'aggregate' && feature.value_type === 'string' && !feature.enum_values) {
        fail(at, `free text feature ${name}`, 'numbers, booleans and enums');
      }
    }
  }
  const unknown = model.baseline_inputs.find((name) => !model.inputs.includes(name));
  if (unknown) fail('model.baselineInputs', `${unknown}, which is no input`, 'some of model.inputs');
  for (const part of ['train', 'validation', 'test'] as const) {
    if (model[part].from > model[part].to) fail(`model.${part}.from`, 'an instant after to', 'from up to to');
  }
  // A label is known only when its horizon has closed: an earlier slice must not see into a later one.
  if (model.train.to + label.horizon_ms > model.validation.from) {
    fail(
      'model.validation.from',
      'an instant inside the label horizon of train.to',
      'at or after train.to + label.horizon',
    );
  }
  if (model.validation.to + label.horizon_ms > model.test.from) {
    fail(
      'model.test.from',
      'an instant inside the label horizon of validation.to',
      'at or after validation.to + label.horizon',
    );
  }
  checkSegments(model);
  if (model.search) checkSearch(model.search);
  if (model.gate.min_auc >= model.gate.max_auc) fail('model.gate.minAuc', 'a number not below maxAuc', 'below maxAuc');
}

function checkSegments({ segments = [], inputs }: ModelIR): void {
  unique(segments, 'model.segments');
  const unknown = segments.find((name) => !inputs.includes(name));
  if (unknown) fail('model.segments', `${unknown}, which is no input`, 'some of model.inputs');
}

function checkSearch({ strategy, trials, parameters }: NonNullable<ModelIR['search']>): void {
  let points = 1;
  for (const [name, range] of Object.entries(parameters)) {
    const at = `model.search.parameters.${name}`;
    if ('values' in range) points *= range.values.length;
    else if (strategy === 'grid') fail(at, 'a range', 'values: a grid is made of them');
    else if (range.min >= range.max) fail(`${at}.min`, 'a number not below max', 'below max');
    else if (range.scale === 'log' && range.min <= 0) fail(`${at}.min`, 'a number up to 0', 'above 0 on a log scale');
    else if (range.integer && !(Number.isInteger(range.min) && Number.isInteger(range.max)))
      fail(at, 'an end that is no whole number', 'whole numbers, as integer says');
  }
  if (Object.keys(parameters).length === 0) fail('model.search.parameters', 'none', 'one hyperparameter or more');
  if (strategy === 'grid' && points + 1 > trials)
    fail('model.search.trials', `${trials} for ${points} points and the declared one`, `${points + 1} up to 30`);
}

function checkAlerts(alerts: AlertIR, { model }: ModelUseCaseIR): void {
  if (alerts.rearm_below > alerts.threshold) fail('alerts.rearmBelow', 'a number above threshold', 'up to threshold');
  for (const name of Object.keys(alerts.reasons)) {
    if (!model.inputs.includes(name))
      fail(`alerts.reasons.${name}`, 'a feature that is not a model input', 'model.inputs');
  }
}
