/** What label, model and alerts must agree on. */

import { SUMMED } from '../aggregates/aggregation.ts';
import type {
  AlertIR,
  ContractIR,
  FeatureViewIR,
  FixedInstantsIR,
  InstantsIR,
  LabelIR,
  ModelIR,
} from '../ir/document.ts';
import { fail, shown } from '../ir/errors.ts';
import type { ModelUseCaseIR } from '../ir/parts.ts';
import { checkExact, checkWhere, columnsOf, isList, unique } from './validate-view.ts';

export function validateLearning(ir: ModelUseCaseIR): void {
  checkLabel(ir);
  checkModel(ir);
  if (ir.alerts) checkAlerts(ir.alerts, ir);
}

function checkLabel({ label, contracts }: ModelUseCaseIR): void {
  const columns = columnsOf(contracts, label.event_type, 'label.of');
  checkWhere(label.where, columns, 'label.where');
  columnsOf(contracts, label.eligible.event_type, 'label.eligible');
  if (label.censor) {
    columnsOf(contracts, label.censor.event_type, 'label.censor');
    // Else every row with an event would be unknown, and one kind of label is left.
    if (label.censor.event_type === label.event_type)
      fail('label.censor', 'the event type that the label is about', 'another event type');
  }
  if (label.kind === 'sum') checkSum(label, columns, contracts);
  if (label.kind === 'category') checkCategory(label, columns, contracts);
}

type Columns = ReturnType<typeof columnsOf>;
type LabelOf<Kind extends LabelIR['kind']> = Extract<LabelIR, { readonly kind: Kind }>;

function checkSum(label: LabelOf<'sum'>, columns: Columns, contracts: readonly ContractIR[]): void {
  const type = columns.get(label.field);
  if (!type || !SUMMED.types!.includes(type))
    fail('label.of', type ? `${type} field` : `unknown field ${label.field}`, SUMMED.types!.join(', '));
  checkExact({ ...label, op: 'sum' }, contracts, SUMMED.within!, 'label');
  if ((label.at_least === undefined) === (label.below === undefined))
    fail('label.at_least', 'both or neither of at_least and below', 'one of the two');
}

function checkCategory(label: LabelOf<'category'>, columns: Columns, contracts: readonly ContractIR[]): void {
  const type = columns.get(label.field);
  if (type !== 'enum') fail('label.of', type ? `${type} field` : `unknown field ${label.field}`, 'enum fields');
  unique(label.values, 'label.values');
  const known = contracts
    .filter(({ event_type }) => event_type === label.event_type)
    .flatMap(({ fields }) => fields)
    .flatMap((field) => (field.name === label.field && field.type === 'enum' ? field.values : []));
  const unknown = label.values.find((value) => !known.includes(value));
  if (unknown !== undefined) fail('label.values', shown(unknown), [...new Set(known)].join(', '));
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
  checkSlices(model, label);
  checkSegments(model);
  if (model.search) checkSearch(model.search);
  if (model.gate.min_auc >= model.gate.max_auc) fail('model.gate.minAuc', 'a number not below maxAuc', 'below maxAuc');
}

const SLICES = ['train', 'validation', 'test'] as const;

/** A label is known only when its horizon has closed and it has matured: an earlier slice must not see into a later one. */
function checkSlices(model: ModelIR, { horizon_ms, maturity_ms }: LabelIR): void {
  const fixed = SLICES.map((part) => [part, model[part]] as const).filter(isFixed);
  // What moves is made with its gaps (glue-scripts/tidemark_spark/engine/slices.py).
  if (fixed.length === 0) return;
  const moving = SLICES.find((part) => 'last_ms' in model[part]);
  if (moving !== undefined)
    fail(`model.${moving}`, 'last beside slices with from and to', 'last in all three, or in none');
  for (const [i, [part, { from, to }]] of fixed.entries()) {
    if (from > to) fail(`model.${part}.from`, 'an instant after to', 'from up to to');
    const before = fixed[i - 1];
    if (before === undefined || before[1].to + horizon_ms + (maturity_ms ?? 0) <= from) continue;
    const horizon = maturity_ms === undefined ? 'label.horizon' : 'label.horizon + label.maturity';
    fail(
      `model.${part}.from`,
      `an instant inside the label horizon of ${before[0]}.to`,
      `at or after ${before[0]}.to + ${horizon}`,
    );
  }
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

function isFixed<Part>(slice: readonly [Part, InstantsIR]): slice is readonly [Part, FixedInstantsIR] {
  return 'from' in slice[1];
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
