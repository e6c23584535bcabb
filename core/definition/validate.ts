/** What a use case's parts must agree on. Each refusal says the field, what was found and what to write instead. */

import type { ContractIR, DerivedColumnIR, UseCaseIR } from '../ir/document.ts';
import { fail } from '../ir/errors.ts';
import { hasModel } from '../ir/parts.ts';
import { lists, references } from '../values/expr.ts';
import { checkContracts } from './validate-contracts.ts';
import { validateExperiments } from './validate-experiments.ts';
import { validateLearning } from './validate-learning.ts';
import { validateSources } from './validate-sources.ts';
import { checkView, columnsOf, unique } from './validate-view.ts';

export function validateUseCase(ir: UseCaseIR): void {
  unique(
    ir.contracts.map((c) => `${c.event_type} v${c.schema_version}`),
    'contracts',
  );
  unique(
    ir.views.map((view) => view.name),
    'views',
  );
  checkContracts(ir.contracts);
  for (const contract of ir.contracts) {
    checkContract(contract);
    checkRetracts(contract, ir.contracts);
  }
  for (const view of ir.views) checkView(view, ir.contracts);
  validateSources(ir.sources ?? [], ir.contracts);
  checkParts(ir);
  if (!hasModel(ir)) return;
  validateLearning(ir);
  validateExperiments(ir);
}

/** Features alone are a use case; what learns needs a label and a model, and what alerts needs scores. */
function checkParts({ views, label, model, alerts, experiments }: UseCaseIR): void {
  const parts = 'label and model, or neither: events and features alone are a use case';
  if (model && !label) fail('label', 'none, but a model', parts);
  if (label && !model) fail('model', 'none, but a label', parts);
  if (alerts && !model)
    fail('alerts', 'alerts without a model, whose scores would raise them', 'a model, or no alerts');
  if (experiments && !model) fail('experiments', 'experiments without a model', 'a model, or no experiments');
  if (!model && views.length > 1)
    fail('views', `${views.length} views and no model`, 'one view, or a model that reads one');
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
  for (const column of contract.derived) checkDerived(column, contract, `${at}.derived.${column.name}`);
}

function checkDerived({ expr, min, max }: DerivedColumnIR, { fields }: ContractIR, at: string): void {
  for (const name of lists(expr)) fail(at, `list ${name}`, 'fields of the event: lists are features');
  for (const name of references(expr)) {
    const field = fields.find((candidate) => candidate.name === name);
    if (!field) fail(at, `unknown field ${name}`, fields.map((one) => one.name).join(', '));
    // Of text there is no number: the column would be null for ever.
    if (field.type === 'string' || field.type === 'enum')
      fail(at, `${field.type} field ${name}`, 'numbers and booleans');
  }
  if ((min ?? -Infinity) > (max ?? Infinity)) fail(`${at}.min`, 'a number above max', 'min up to max');
}

/** Chains would make an event's fate depend on the order in which they are followed. */
function checkRetracts({ event_type, fields, retracts }: ContractIR, contracts: readonly ContractIR[]): void {
  if (!retracts) return;
  const at = `contracts.${event_type}.retracts`;
  columnsOf(contracts, retracts.event_type, `${at}.of`);
  const field = fields.find(({ name }) => name === retracts.field);
  if (field?.type !== 'string') fail(`${at}.id`, field?.type ?? 'an unknown field', 'a string field with the event id');
  if (retracts.event_type === event_type || contracts.some((c) => c.event_type === retracts.event_type && c.retracts)) {
    fail(`${at}.of`, 'an event type that retracts', 'an event type that retracts nothing itself');
  }
  const other = contracts.find(
    (c) => c.event_type === event_type && JSON.stringify(c.retracts) !== JSON.stringify(retracts),
  );
  if (other) fail(at, 'another rule in another schema version', 'the same rule in all versions of an event type');
}
