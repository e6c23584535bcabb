/** What a use case's parts must agree on. Each refusal says the field, what was found and what to write instead. */
import { hashOf, versionOf } from './definition-hash.ts';
import { DefinitionError } from './errors.ts';
import { references } from './expr.ts';
import type { AggregateFeatureIR, ContractIR, FeatureViewIR, FieldType, PredicateIR, UseCaseIR } from './ir.ts';
import { DAY, hopOf, MINUTE } from './time.ts';

const NUMERIC: readonly string[] = ['int', 'decimal', 'timestamp', 'derived'];
/** 2^20 events of the largest value stay within 2^53: the bound that keeps a sum exact. */
const MAX_SUMMED = 2 ** 33;
const MAX_WINDOW = 400 * DAY;

/** Field name → type (`derived` for derived columns), over all versions of an event type. */
type Columns = ReadonlyMap<string, FieldType | 'derived'>;

export function validateUseCase(ir: UseCaseIR): void {
  unique(
    ir.contracts.map((c) => `${c.event_type} v${c.schema_version}`),
    'contracts',
  );
  unique(
    ir.views.map((view) => view.name),
    'views',
  );
  for (const contract of ir.contracts) checkContract(contract);
  for (const view of ir.views) checkView(view, ir.contracts);
  checkLabel(ir);
  checkModel(ir);
  checkAlerts(ir);
}

const fail: (field: string, found: string, allowed: string) => never = (field, found, allowed) => {
  throw new DefinitionError(field, found, allowed);
};

function unique(names: readonly string[], field: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) fail(field, `${twice} twice`, 'each name once');
}

function checkContract(contract: ContractIR): void {
  const at = `contracts.${contract.event_type}`;
  const names = contract.fields.map((field) => field.name);
  unique([...names, ...contract.derived.map((column) => column.name)], `${at}.fields`);
  unique(
    contract.fields.map((field) => field.from ?? field.name),
    `${at}.fields.from`,
  );
  for (const field of contract.fields) {
    if ((field.type === 'int' || field.type === 'decimal') && (field.min ?? -Infinity) > (field.max ?? Infinity)) {
      fail(`${at}.fields.${field.name}.min`, 'a number above max', 'min up to max');
    }
  }
  for (const column of contract.derived) {
    for (const name of references(column.expr)) {
      if (!names.includes(name)) fail(`${at}.derived.${column.name}`, `unknown field ${name}`, names.join(', '));
    }
  }
}

function columnsOf(contracts: readonly ContractIR[], event_type: string, at: string): Columns {
  const versions = contracts.filter((contract) => contract.event_type === event_type);
  if (versions.length === 0) {
    fail(at, `unknown event type ${event_type}`, [...new Set(contracts.map((c) => c.event_type))].join(', '));
  }
  return new Map(
    versions.flatMap((c) => [
      ...c.fields.map((f) => [f.name, f.type] as const),
      ...c.derived.map((d) => [d.name, 'derived'] as const),
    ]),
  );
}

function checkView(view: FeatureViewIR, contracts: readonly ContractIR[]): void {
  const at = `views.${view.name}.features`;
  unique(
    view.features.map((feature) => feature.name),
    at,
  );
  const hash = hashOf(view, contracts);
  if (view.definition_hash !== hash || view.version !== versionOf(view.name, hash)) {
    fail(
      `views.${view.name}.definition_hash`,
      'another hash than this definition has',
      'the IR as the compiler wrote it',
    );
  }
  const before: string[] = [];
  for (const feature of view.features) {
    const here = `${at}.${feature.name}`;
    if (feature.kind === 'derived') {
      for (const name of references(feature.expr)) {
        if (!before.includes(name))
          fail(`${here}.expr`, `feature ${name} that is not declared before`, before.join(', '));
      }
    } else {
      checkAggregate(feature, contracts, here);
    }
    before.push(feature.name);
  }
}

function checkAggregate(feature: AggregateFeatureIR, contracts: readonly ContractIR[], at: string): void {
  const columns = columnsOf(contracts, feature.event_type, `${at}.of`);
  const type = feature.field === null ? null : columns.get(feature.field);
  if (type === undefined) fail(`${at}.field`, `unknown field ${feature.field}`, [...columns.keys()].join(', '));
  const needsField = !['count', 'time_since_last', 'time_since_first'].includes(feature.op);
  if (needsField && type === null) fail(`${at}.field`, 'none', `a field for ${feature.op}`);
  const numeric = ['sum', 'mean', 'min', 'max'].includes(feature.op);
  if (numeric && !NUMERIC.includes(type!)) fail(`${at}.field`, `${type} field for ${feature.op}`, NUMERIC.join(', '));
  if (feature.op === 'sum' || feature.op === 'mean') checkExact(feature, contracts, at);
  if ((feature.op === 'count_distinct') !== (feature.cap !== null))
    fail(`${at}.cap`, 'a wrong cap', 'one for count_distinct only');
  checkWindow(feature, at);
  checkWhere(feature.where, columns, `${at}.where`);
}

function checkExact(feature: AggregateFeatureIR, contracts: readonly ContractIR[], at: string): void {
  for (const contract of contracts.filter((c) => c.event_type === feature.event_type)) {
    const field = contract.fields.find((f) => f.name === feature.field);
    if (!field || (field.type !== 'int' && field.type !== 'decimal')) {
      if (field?.type === 'timestamp' || contract.derived.some((d) => d.name === feature.field)) {
        fail(
          `${at}.field`,
          `${field?.type ?? 'derived'} field for ${feature.op}`,
          'an int or decimal field with min and max',
        );
      }
      continue;
    }
    if (Math.max(Math.abs(field.min ?? Infinity), Math.abs(field.max ?? Infinity)) > MAX_SUMMED) {
      fail(`${at}.field`, 'a field without min and max within 2^33', 'a bounded field, so that a sum stays exact');
    }
  }
}

function checkWindow(feature: AggregateFeatureIR, at: string): void {
  const { window_ms, hop_ms } = feature;
  if (window_ms === null) {
    if (hop_ms !== null) fail(`${at}.hop_ms`, 'a number', 'null for lifetime');
    return;
  }
  if (window_ms < 5 * MINUTE || window_ms > MAX_WINDOW)
    fail(`${at}.window`, `${window_ms} ms`, '5m to 400d, or lifetime');
  if (hop_ms !== hopOf(window_ms)) fail(`${at}.hop_ms`, `${hop_ms}`, `${hopOf(window_ms)} for this window`);
}

function checkWhere(where: readonly PredicateIR[], columns: Columns, at: string): void {
  for (const predicate of where) {
    const type = columns.get(predicate.field);
    if (!type) fail(`${at}.${predicate.field}`, 'an unknown field', [...columns.keys()].join(', '));
    const wanted = NUMERIC.includes(type) ? 'number' : type === 'bool' ? 'boolean' : 'string';
    for (const value of predicate.op === 'in' ? predicate.value : [predicate.value]) {
      if (typeof value !== wanted)
        fail(`${at}.${predicate.field}`, typeof value, `${wanted} for a field of type ${type}`);
    }
  }
}

function checkLabel(ir: UseCaseIR): void {
  checkWhere(ir.label.where, columnsOf(ir.contracts, ir.label.event_type, 'label.event_type'), 'label.where');
  columnsOf(ir.contracts, ir.label.eligible.event_type, 'label.eligible.event_type');
}

function checkModel(ir: UseCaseIR): void {
  const { model, label } = ir;
  const view = ir.views.find((candidate) => candidate.name === model.view);
  if (!view) fail('model.view', `unknown view ${model.view}`, ir.views.map((v) => v.name).join(', '));
  const features = new Map(view.features.map((feature) => [feature.name, feature]));
  unique(model.inputs, 'model.inputs');
  for (const list of ['inputs', 'baseline_inputs'] as const) {
    for (const name of model[list]) {
      const feature = features.get(name);
      if (!feature) fail(`model.${list}`, `unknown feature ${name}`, 'features of the view');
      if (feature.kind === 'aggregate' && feature.value_type === 'string' && !feature.enum_values) {
        fail(`model.${list}`, `free text feature ${name}`, 'numbers, booleans and enums');
      }
    }
  }
  const unknown = model.baseline_inputs.find((name) => !model.inputs.includes(name));
  if (unknown) fail('model.baseline_inputs', `${unknown}, which is no input`, 'some of model.inputs');
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
  if (model.gate.min_auc >= model.gate.max_auc)
    fail('model.gate.min_auc', 'a number not below max_auc', 'below max_auc');
}

function checkAlerts(ir: UseCaseIR): void {
  const { alerts, model } = ir;
  if (alerts.rearm_below > alerts.threshold) fail('alerts.rearm_below', 'a number above threshold', 'up to threshold');
  for (const name of Object.keys(alerts.reasons)) {
    if (!model.inputs.includes(name))
      fail(`alerts.reasons.${name}`, 'a feature that is no model input', 'model.inputs');
  }
}
