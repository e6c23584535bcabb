/** What a feature view must hold to so that every value is exact. Each refusal says what to write instead. */
import { hashOf, versionOf } from './definition-hash.ts';
import { fail, shown } from './errors.ts';
import { references } from './expr.ts';
import type {
  AggregateFeatureIR,
  AggregationOp,
  ContractIR,
  FeatureIR,
  FeatureViewIR,
  FieldType,
  PredicateIR,
} from './ir.ts';
import { DAY, HOUR, hopOf, MINUTE } from './time.ts';
import { checkEnumValues } from './validate-contracts.ts';
import { retractionRules } from './view.ts';

const NUMERIC: readonly string[] = ['int', 'decimal', 'timestamp', 'derived'];
/** 2^20 events of the largest value stay within 2^53: the bound that keeps a sum exact. */
const MAX_SUMMED = 2 ** 33;
/** Each part of a square (core/partials.ts) stays within 2^53 for 2^20 events. */
const MAX_SQUARED = 2 ** 31;
const MAX_WINDOW = 400 * DAY;
const MIN_SKETCH = 16;

/** Field name → type (`derived` for derived columns), over all versions of an event type. */
type Columns = ReadonlyMap<string, FieldType | 'derived'>;

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
  const before = new Map<string, FeatureIR>();
  for (const feature of view.features) {
    const here = `${at}.${feature.name}`;
    if (feature.kind === 'derived') {
      for (const name of references(feature.expr)) {
        const found = before.get(name);
        if (!found) fail(`${here}.expr`, `feature ${name} that is not declared before`, [...before.keys()].join(', '));
        if (isList(found)) fail(`${here}.expr`, `feature ${name}, which is a list`, 'features with one value');
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
  if (type === undefined) fail(`${at}.field`, `unknown field ${feature.field}`, [...columns.keys()].join(', '));
  const needsField = !['count', 'time_since_last', 'time_since_first'].includes(feature.op);
  if (needsField && type === null) fail(`${at}.field`, 'none', `a field for ${feature.op}`);
  const numeric = ['sum', 'mean', 'min', 'max', 'variance'].includes(feature.op);
  if (numeric && !NUMERIC.includes(type!)) fail(`${at}.field`, `${type} field for ${feature.op}`, NUMERIC.join(', '));
  if (feature.op === 'sum' || feature.op === 'mean') checkExact(feature, contracts, MAX_SUMMED, at);
  if (feature.op === 'variance') checkExact(feature, contracts, MAX_SQUARED, at);
  checkBounded(feature, type ?? null, at);
  if (feature.value_type !== valueTypeOf(feature.op, type ?? undefined))
    fail(`${at}.of`, `a version without ${feature.field}`, `a version that has ${feature.field}`);
  checkEnumValues(feature, contracts, at);
  checkWhere(feature.where, columns, `${at}.where`);
}

const LISTS = { int: 'ints', string: 'strings', bool: 'bools' } as const;

/** What kind of value a feature has. @param type of its field; undefined: none */
export function valueTypeOf(
  op: AggregationOp,
  type: FieldType | 'derived' | undefined,
): AggregateFeatureIR['value_type'] {
  if (op === 'mean' || op === 'variance') return 'float';
  if (op === 'histogram') return 'histogram';
  if (op !== 'first' && op !== 'last' && op !== 'last_k') return 'int';
  const scalar = type === 'bool' ? 'bool' : type === 'string' || type === 'enum' ? 'string' : 'int';
  return op === 'last_k' ? LISTS[scalar] : scalar;
}

/** Distinct values and lists need a bound: no state may grow with the number of different values there are. */
function checkBounded({ op, cap, k }: AggregateFeatureIR, type: FieldType | 'derived' | null, at: string): void {
  const capped = op === 'count_distinct' || op === 'histogram';
  if (capped && cap === null) {
    fail(`${at}.cap`, `none for a ${type} field, which has no bound of its own`, `cap: 64, or any from 1 to 4096`);
  }
  if (!capped && cap !== null) fail(`${at}.cap`, `one for ${op}`, 'a cap for count_distinct and histogram only');
  if (op === 'count_distinct' && cap! < MIN_SKETCH && type !== 'enum' && type !== 'bool') {
    fail(`${at}.cap`, 'a number below 16', '16 to 4096: below, the estimate above the cap is worth nothing');
  }
  if (op === 'histogram' && type !== 'string' && type !== 'enum') {
    fail(`${at}.field`, `${type} field for histogram`, 'a string or enum field');
  }
  if ((op === 'last_k' || op === 'histogram') !== (k !== null)) {
    fail(`${at}.k`, k === null ? 'none' : `one for ${op}`, 'k from 1 to 64 for last_k and histogram, else none');
  }
}

/** Lists and histograms: for the API and for people, not for arithmetic or models. */
export function isList(feature: FeatureIR): boolean {
  return ['ints', 'strings', 'bools', 'histogram'].includes(feature.value_type);
}

function checkExact(feature: AggregateFeatureIR, contracts: readonly ContractIR[], bound: number, at: string): void {
  for (const contract of contracts.filter((c) => c.event_type === feature.event_type)) {
    const field = contract.fields.find((f) => f.name === feature.field);
    if (field && field.type !== 'int' && field.type !== 'decimal') {
      fail(`${at}.field`, `${field.type} field for ${feature.op}`, 'an int, decimal or derived field with min and max');
    }
    const column = field ?? contract.derived.find((d) => d.name === feature.field);
    if (!column) continue;
    if (Math.max(Math.abs(column.min ?? Infinity), Math.abs(column.max ?? Infinity)) > bound) {
      const squares = bound === MAX_SQUARED;
      fail(
        `${at}.field`,
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
    const wanted = NUMERIC.includes(type) ? 'number' : type === 'bool' ? 'boolean' : 'string';
    for (const value of predicate.op === 'in' ? predicate.value : [predicate.value]) {
      if (typeof value !== wanted)
        fail(`${at}.${predicate.field}`, shown(value), `a ${wanted} for a field of type ${type}`);
    }
  }
}
