/**
 * What contracts must hold to before an event meets them, and what may differ between the versions of an event type.
 * Spark reads the document by the same rule (tidemark_spark/engine/admission/contract_versions.py); test/conformance/versions.json holds both
 * to it.
 */

import type { AggregateFeatureIR, ContractIR, FieldIR } from '../ir/document.ts';
import { fail } from '../ir/errors.ts';
import { isLonger } from '../values/text.ts';
import { MAX_TIME } from '../values/time.ts';

/** An Iceberg INT, which holds it in every table. */
const MAX_SCHEMA_VERSION = 2 ** 31 - 1;
/** No record may hold such a key: a field of that name could never be sent. */
const FORBIDDEN: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** @throws DefinitionError naming the contract, its version and the column */
export function checkContracts(contracts: readonly ContractIR[]): void {
  for (const contract of contracts) checkAlone(contract);
  checkVersions(contracts);
}

function checkAlone({ event_type, schema_version, fields, derived }: ContractIR): void {
  const at = `contracts.${event_type}@${schema_version}`;
  if (schema_version > MAX_SCHEMA_VERSION) {
    fail(`${at}.schema_version`, `${schema_version}`, `1 to ${MAX_SCHEMA_VERSION}: count versions, such as 1, 2, 3`);
  }
  const names = [...fields.flatMap(({ name, from }) => [name, from ?? name]), ...derived.map(({ name }) => name)];
  const forbidden = names.find((name) => FORBIDDEN.includes(name));
  if (forbidden !== undefined) fail(`${at}.${forbidden}`, 'a key that no record may hold', 'any other name');
  for (const field of fields) {
    const wanted = field.default === undefined || field.default === null ? null : allowedDefault(field);
    if (wanted !== null) fail(`${at}.${field.name}.default`, `${JSON.stringify(field.default)}`, wanted);
  }
}

/** What a default must be, where it is not that: no event's own value could be it, so no feature may read it. */
function allowedDefault(field: FieldIR): string | null {
  const { default: value } = field;
  switch (field.type) {
    case 'bool':
      return typeof value === 'boolean' ? null : 'true or false';
    case 'enum':
      return field.values.includes(value as string) ? null : field.values.join(', ');
    case 'string': {
      const fits = typeof value === 'string' && value.isWellFormed() && !isLonger(value, field.max_length);
      return fits ? null : `a string of up to ${field.max_length} characters`;
    }
    case 'timestamp':
      return isWithin(value, 0, MAX_TIME) ? null : 'a whole number of ms since 1970';
    case 'int':
    case 'decimal': {
      const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = field;
      const unit = field.type === 'decimal' ? ` units of 10^-${field.scale}` : '';
      return isWithin(value, min, max) ? null : `a whole number${unit} from ${min} to ${max}`;
    }
  }
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

/**
 * A name means one thing in all versions of an event type: a column keeps its type and, a decimal, its scale. Range,
 * values of an enum, default, length, case and presence may differ, and each event counts by its own version.
 */
function checkVersions(contracts: readonly ContractIR[]): void {
  const first = new Map<string, { readonly form: string; readonly version: number }>();
  for (const { event_type, schema_version: version, fields, derived } of contracts) {
    const columns = [...fields.map((f) => [f.name, formOf(f)]), ...derived.map((d) => [d.name, 'derived'])];
    for (const [name, form] of columns as [string, string][]) {
      const key = `${event_type}.${name}`;
      const known = first.get(key);
      if (!known) first.set(key, { form, version });
      else if (known.form !== form) {
        fail(
          `contracts.${event_type}@${version}.${name}`,
          `${form}, where version ${known.version} has ${known.form}`,
          `${known.form} in all versions of ${event_type}, or a new name for the new column`,
        );
      }
    }
  }
}

const formOf = (field: FieldIR) => (field.type === 'decimal' ? `decimal(${field.scale})` : field.type);

/** An enum may have more values in another version: what a feature keeps of it must have room for all of them. */
export function checkEnumValues(feature: AggregateFeatureIR, contracts: readonly ContractIR[], at: string): void {
  const versions = contracts
    .filter((contract) => contract.event_type === feature.event_type)
    .flatMap((contract) => contract.fields.filter((field) => field.name === feature.field && field.type === 'enum'))
    .map((field) => ('values' in field ? field.values : []));
  const all = new Set(versions.flat());
  if (versions.every((values) => all.size === new Set(values).size)) return;
  if (feature.cap !== null && feature.cap < all.size) {
    fail(`${at}.cap`, `${feature.cap}`, `${all.size} or more: as many values has ${feature.field} in all versions`);
  }
  const missing = [...all].filter((value) => feature.enum_values && !feature.enum_values.includes(value));
  if (missing.length > 0) {
    fail(`${at}.of`, `a version without ${missing.join(', ')}`, `a version whose ${feature.field} has all values`);
  }
}
