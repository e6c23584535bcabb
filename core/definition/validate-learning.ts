/** What label, model and alerts must agree on. */

import type { AlertIR, FixedInstantsIR, InstantsIR, ModelIR } from '../ir/document.ts';
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
  checkSlices(model, label.horizon_ms);
  if (model.gate.min_auc >= model.gate.max_auc) fail('model.gate.minAuc', 'a number not below maxAuc', 'below maxAuc');
}

const SLICES = ['train', 'validation', 'test'] as const;

/** A label is known only when its horizon has closed: an earlier slice must not see into a later one. */
function checkSlices(model: ModelIR, horizon_ms: number): void {
  const fixed = SLICES.map((part) => [part, model[part]] as const).filter(isFixed);
  // What moves is made with its gaps (glue-scripts/tidemark_spark/engine/slices.py).
  if (fixed.length === 0) return;
  const moving = SLICES.find((part) => 'last_ms' in model[part]);
  if (moving !== undefined)
    fail(`model.${moving}`, 'last beside slices with from and to', 'last in all three, or in none');
  for (const [i, [part, { from, to }]] of fixed.entries()) {
    if (from > to) fail(`model.${part}.from`, 'an instant after to', 'from up to to');
    const before = fixed[i - 1];
    if (before === undefined || before[1].to + horizon_ms <= from) continue;
    fail(
      `model.${part}.from`,
      `an instant inside the label horizon of ${before[0]}.to`,
      `at or after ${before[0]}.to + label.horizon`,
    );
  }
}

function isFixed<Part>(slice: readonly [Part, InstantsIR]): slice is readonly [Part, FixedInstantsIR] {
  return 'from' in slice[1];
}

function checkAlerts(alerts: AlertIR, { model }: ModelUseCaseIR): void {
  if (alerts.rearm_below > alerts.threshold) fail('alerts.rearmBelow', 'a number above threshold', 'up to threshold');
  for (const name of Object.keys(alerts.reasons)) {
    if (!model.inputs.includes(name))
      fail(`alerts.reasons.${name}`, 'a feature that is not a model input', 'model.inputs');
  }
}
