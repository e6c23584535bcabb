/**
 * What of an item keeps a map from making its event, as names and types: all of it, and not only what it was refused for. The
 * names are a definition's own pointers; of what came only JSON types are told.
 */
import { type Drift, type DriftKind, kindOf } from '../admission/drift.ts';
import type { ContractIR, MapRuleIR, SelectorIR } from '../ir/document.ts';
import { typeName } from '../ir/errors.ts';
import { Rejection } from '../ir/rejection.ts';
import type { Item } from './envelope.ts';
import { identifierText } from './identifier-text.ts';
import { compileConditions, compileProperty, compileSelectors, compileTime, contractOf } from './map.ts';

/** Of an item that a map refused. */
export type DriftOfItem = (item: Item) => readonly Drift[];

/** @param source its name */
export function compileMapDrift(
  source: string,
  rules: readonly MapRuleIR[],
  contracts: readonly ContractIR[],
): DriftOfItem {
  const compiled = rules.map((rule) => {
    const holds = compileConditions(rule.when);
    const drift = ruleDrift(source, rule, contractOf(rule, contracts));
    return { holds, drift };
  });
  return (item) => compiled.find(({ holds }) => holds(item.body))?.drift(item) ?? [];
}

function ruleDrift(source: string, rule: MapRuleIR, contract: ContractIR): DriftOfItem {
  const { event_type, schema_version } = rule;
  const of = { source, event_type, schema_version };
  const checks = [
    identifier(rule.entity),
    ...(rule.id ?? []).map((one) => identifier([one])),
    timeOf(rule, contract),
    ...rule.properties.map((property) => propertyOf(property, contract)),
  ];
  return ({ body, id }) => {
    const found = checks.flatMap((check) => check(body)).map((one) => ({ ...of, ...one }));
    if (rule.id !== undefined || id !== null) return found;
    return [...found, { ...of, kind: 'lost_field', field: 'id', found: 'undefined', allowed: 'string' }];
  };
}

type Check = (body: unknown) => ReadonlyArray<Pick<Drift, 'kind' | 'field' | 'found' | 'allowed'>>;

const isGone = (value: unknown): boolean => value === undefined || value === null;

/** The first place that is looked at stands for all. */
function fieldOf(selectors: readonly SelectorIR[]): string {
  const first = selectors.find((one) => 'at' in one);
  return first === undefined ? 'constant' : first.at;
}

function identifier(selectors: readonly SelectorIR[]): Check {
  const select = compileSelectors(selectors);
  const field = fieldOf(selectors);
  return (body) => {
    const value = select(body);
    if (identifierText(value) !== null) return [];
    // An empty text is a text, and one that is as good as lost.
    const kind = isGone(value) || value === '' ? 'lost_field' : 'changed_type';
    return [{ kind, field, found: typeName(value), allowed: 'string' }];
  };
}

function timeOf({ time }: MapRuleIR, contract: ContractIR): Check {
  const select = compileSelectors(time.from);
  const read = compileTime(time, contract.event_time_format);
  const numeric = time.format === 'epoch_s' || time.format === 'epoch_ms';
  const field = fieldOf(time.from);
  return (body) => {
    const value = select(body);
    // A number out of the years that there are is a wrong clock, and still a number.
    if (!refuses(() => read(body)) || (numeric && typeof value === 'number')) return [];
    const kind = isGone(value) ? 'lost_field' : 'changed_type';
    return [{ kind, field, found: typeName(value), allowed: numeric ? 'number' : 'timestamp' }];
  };
}

function propertyOf(property: MapRuleIR['properties'][number], contract: ContractIR): Check {
  const { as, from, name } = property;
  const select = compileSelectors(from);
  const read = compileProperty(property, contract);
  const kindIn = (body: unknown): DriftKind | null => {
    if (as) return kindOf({ ...as, name, required: false }, select(body), () => read(body));
    // A shift alone: it takes decimals.
    return refuses(() => read(body)) ? 'changed_type' : null;
  };
  return (body) => {
    const kind = kindIn(body);
    if (kind === null) return [];
    return [{ kind, field: fieldOf(from), found: typeName(select(body)), allowed: as?.type ?? 'decimal' }];
  };
}

function refuses(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof Rejection) return true;
    throw error;
  }
}
