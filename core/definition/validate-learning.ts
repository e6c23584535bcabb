/** What label, model and alerts must agree on. */

import type { AlertIR, FeatureViewIR } from '../ir/document.ts';
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
  if (model.gate.min_auc >= model.gate.max_auc) fail('model.gate.minAuc', 'a number not below maxAuc', 'below maxAuc');
}

function checkAlerts(alerts: AlertIR, { model, views }: ModelUseCaseIR): void {
  if (alerts.rearm_below > alerts.threshold) fail('alerts.rearmBelow', 'a number above threshold', 'up to threshold');
  checkPolicy(alerts, views.find(({ name }) => name === model.view)!);
  for (const name of Object.keys(alerts.reasons)) {
    if (!model.inputs.includes(name))
      fail(`alerts.reasons.${name}`, 'a feature that is not a model input', 'model.inputs');
  }
}

/** Who is told, and when: what it reads of an entity has one value, and what it counts is money. */
function checkPolicy({ value, expected_response, contact_cost, quiet_hours }: AlertIR, view: FeatureViewIR): void {
  const find = (name: string) => view.features.find((feature) => feature.name === name);
  const worth = value && find(value.feature);
  if (value && (!worth || isList(worth) || !['int', 'float'].includes(worth.value_type)))
    fail(
      'alerts.value',
      worth ? `${value.feature}, which is no number` : `unknown feature ${value.feature}`,
      'a number',
    );
  if (!value && (expected_response !== undefined || contact_cost !== undefined))
    fail(
      `alerts.${contact_cost === undefined ? 'expectedResponse' : 'contactCost'}`,
      'no value that it is weighed against',
      'alerts.value beside it',
    );
  if (!quiet_hours) return;
  if (quiet_hours.from_ms === quiet_hours.to_ms) fail('alerts.quietHours.to', 'the time of from', 'another time');
  const { zone_feature: zone } = quiet_hours;
  if (zone !== undefined && find(zone)?.value_type !== 'string')
    fail('alerts.quietHours.zone', `${zone}, which is no text of the view`, 'a feature of the view with a text');
}
