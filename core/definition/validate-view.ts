/** What a feature view must hold to so that every value is exact. Each refusal says what to write instead. */
import {
  type ColumnType,
  NUMBERS,
  OPTION_NAMES,
  type OptionName,
  SUMMED,
  scalarOf,
} from '../aggregates/aggregation.ts';
import { AGGREGATION_OPS, aggregationOf } from '../aggregates/table.ts';
import type { AggregateFeatureIR, ContractIR, FeatureIR, FeatureViewIR, PredicateIR } from '../ir/document.ts';
import { fail, shown } from '../ir/errors.ts';
import { retractionRules } from '../state/plan.ts';
import { lists, references } from '../values/expr.ts';
import { canonicalJson } from '../values/hash.ts';
import { DAY, HOUR, hopOf, MINUTE } from '../values/time.ts';
import { hashOf, versionOf } from './hash.ts';
import { planOf } from './plan.ts';
import { checkEnumValues } from './validate-contracts.ts';

const MAX_WINDOW = 400 * DAY;

/** Field name → type (`derived` for derived columns), over all versions of an event type. */
type Columns = ReadonlyMap<string, ColumnType>;

export function unique(names: readonly string[], field: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) fail(field, `${twice} twice`, 'each name once');
}

export function columnsOf(contracts: readonly ContractIR[], event_type: string, at: string): Columns {
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

export function checkView(view: FeatureViewIR, contracts: readonly ContractIR[]): void {
  const at = 'features';
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
  if (JSON.stringify(view.retractions?.rules ?? []) !== JSON.stringify(retractionRules(view.features, contracts))) {
    fail(`views.${view.name}.retractions`, 'other rules than the contracts have', 'the IR as the compiler wrote it');
  }
  if (canonicalJson(view.plan) !== canonicalJson(planOf(view))) {
    fail(`views.${view.name}.plan`, 'another plan than this definition has', 'the IR as the compiler wrote it');
  }
  const before = new Map<string, FeatureIR>();
  for (const feature of view.features) {
    const here = `${at}.${feature.name}`;
    if (feature.kind === 'derived') {
      for (const name of references(feature.expr)) {
        const found = before.get(name);
        if (!found) fail(`${here}.expr`, `feature ${name} that is not declared before`, [...before.keys()].join(', '));
        if (isList(found)) fail(`${here}.expr`, `feature ${name}, which is a list`, 'features with one value');
      }
      for (const name of lists(feature.expr)) {
        const numeric = [...before.values()].filter(
          ({ value_type }) => value_type === 'ints' || value_type === 'bools',
        );
        if (!numeric.some((list) => list.name === name))
          fail(`${here}.expr`, `feature ${name} as a list`, numeric.map((list) => list.name).join(', '));
      }
    } else {
      checkAggregate(feature, contracts, here);
      checkWindow(feature, view.retention_ms, here);
    }
    before.set(feature.name, feature);
  }
}

function checkAggregate(feature: AggregateFeatureIR, contracts: readonly ContractIR[], at: string): void {
  const columns = columnsOf(contracts, feature.event_type, `${at}.of`);
  const type = feature.field === null ? null : columns.get(feature.field);
  if (type === undefined) fail(`${at}.of`, `unknown field ${feature.field}`, [...columns.keys()].join(', '));
  const { field: rule, check, valueType } = aggregationOf(feature.op);
  if (rule.required && type === null) fail(`${at}.of`, 'whole events', `a column for ${feature.op}`);
  if (rule.types && !rule.types.includes(type!))
    fail(`${at}.of`, `${type} field for ${feature.op}`, rule.types.join(', '));
  if (rule.within !== undefined) checkExact(feature, contracts, rule.within, at);
  checkOptions(feature, type, at);
  check?.(feature, type, at);
  if (feature.value_type !== valueType(scalarOf(type)))
    fail(`${at}.of`, `a version without ${feature.field}`, `a version that has ${feature.field}`);
  checkEnumValues(feature, contracts, at);
  checkWhere(feature.where, columns, `${at}.where`);
}

/** What an option may be, for messages. */
const ALLOWED: Readonly<Record<OptionName, string>> = {
  cap: 'a cap',
  k: 'k from 1 to 64',
  q: 'q between 0 and 1',
  error: 'an error from 0.001 to 0.5',
};

/** Distinct values and lists need a bound: no state may grow with the number of different values there are. */
function checkOptions(feature: AggregateFeatureIR, type: ColumnType | null, at: string): void {
  const { op } = feature;
  const { options = [] } = aggregationOf(op);
  if (options.includes('cap') && feature.cap === null) {
    fail(`${at}.cap`, `none for a ${type} field, which has no bound of its own`, `cap: 64, or any from 1 to 4096`);
  }
  for (const option of OPTION_NAMES) {
    const value = feature[option] ?? null;
    if (options.includes(option) === (value !== null)) continue;
    const takers = AGGREGATION_OPS.filter((one) => aggregationOf(one).options?.includes(option));
    const only = `${ALLOWED[option]} for ${takers.join(', ')}, else none`;
    fail(`${at}.${option}`, value === null ? 'none' : `one for ${op}`, only);
  }
}

/** Lists and histograms: for the API and for people, not for arithmetic or models. */
export function isList(feature: FeatureIR): boolean {
  return ['ints', 'strings', 'bools', 'histogram'].includes(feature.value_type);
}

/** @throws DefinitionError where a version of the column has no bounds within ±bound */
export function checkExact(
  feature: Pick<AggregateFeatureIR, 'event_type' | 'field' | 'op'>,
  contracts: readonly ContractIR[],
  bound: number,
  at: string,
): void {
  for (const contract of contracts.filter((c) => c.event_type === feature.event_type)) {
    const field = contract.fields.find((f) => f.name === feature.field);
    if (field && field.type !== 'int' && field.type !== 'decimal') {
      fail(`${at}.of`, `${field.type} field for ${feature.op}`, 'an int, decimal or derived field with min and max');
    }
    const column = field ?? contract.derived.find((d) => d.name === feature.field);
    if (!column) continue;
    if (Math.max(Math.abs(column.min ?? Infinity), Math.abs(column.max ?? Infinity)) > bound) {
      const squares = bound < SUMMED.within!;
      fail(
        `${at}.of`,
        `${feature.field} without min and max within ±2^${Math.log2(bound)}`,
        `min and max for this field in its contract, so that ${squares ? 'squares add' : 'a sum stays'} exact${squares ? 'ly' : ''}`,
      );
    }
  }
}

const HOPS: readonly number[] = [5 * MINUTE, HOUR, DAY];

function checkWindow(feature: AggregateFeatureIR, retention_ms: number | null, at: string): void {
  const { window_ms, hop_ms, offset_ms } = feature;
  const kept = retention_ms === null ? null : `${retention_ms / DAY} days`;
  if (window_ms === null) {
    if (hop_ms !== null || offset_ms !== 0) fail(`${at}.hop_ms`, 'a number', 'null, and no offset, for lifetime');
    if (kept)
      fail(`${at}.window`, `lifetime, but events are kept for ${kept}`, 'a window within that, or no retention');
    return;
  }
  const reach = offset_ms + window_ms;
  if (window_ms < 5 * MINUTE || reach > MAX_WINDOW) fail(`${at}.window`, `${reach} ms`, '5m to 400d, or lifetime');
  if (retention_ms !== null && reach > retention_ms) {
    fail(
      `${at}.window`,
      `${reach / DAY} days, but events are kept for ${kept}`,
      'a window within that, or a longer retention',
    );
  }
  if (hop_ms === null || !HOPS.includes(hop_ms) || hop_ms < hopOf(reach)) {
    fail(`${at}.hop_ms`, `${hop_ms}`, `${hopOf(reach)} for this window`);
  }
  if (window_ms < hop_ms) {
    fail(
      `${at}.series`,
      'windows narrower than the hop of the whole',
      `windows of ${hop_ms / MINUTE}m or more, or fewer`,
    );
  }
}

export function checkWhere(where: readonly PredicateIR[], columns: Columns, at: string): void {
  for (const predicate of where) {
    const type = columns.get(predicate.field);
    if (!type) fail(`${at}.${predicate.field}`, 'an unknown field', [...columns.keys()].join(', '));
    const wanted = NUMBERS.types!.includes(type) ? 'number' : type === 'bool' ? 'boolean' : 'string';
    for (const value of predicate.op === 'in' ? predicate.value : [predicate.value]) {
      if (typeof value !== wanted)
        fail(`${at}.${predicate.field}`, shown(value), `a ${wanted} for a field of type ${type}`);
    }
  }
}
