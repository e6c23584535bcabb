/** What the sources of a use case mean together with its contracts. */
import type { ContractIR, MapRuleIR, SourceIR } from '../ir/document.ts';
import { fail } from '../ir/errors.ts';
import { issuesOf } from '../ir/issues.ts';
import { CARRIAGE_OPTIONS, ENVELOPE_OPTIONS } from '../ir/source-options.ts';
import { SPARK_CARRIAGES } from '../ir/source-schema.ts';
import { TIMESTAMP_FORMATS } from '../values/time.ts';

/** @throws DefinitionError naming the first source and member that can't be kept */
export function validateSources(sources: readonly SourceIR[], contracts: readonly ContractIR[]): void {
  for (const [i, source] of sources.entries()) {
    const at = `sources.${source.name}`;
    if (sources.findIndex(({ name }) => name === source.name) < i)
      fail(at, 'two sources of this name', 'one of each name');
    validateOptions(source, at);
    validateMaps(source, at);
    for (const [place, rule] of source.map.entries()) validateRule(rule, contracts, `${at}.map.${place}`);
  }
}

function validateOptions(source: SourceIR, at: string): void {
  const parts = [
    [`${at}.options`, ENVELOPE_OPTIONS[source.envelope], source.options],
    ...source.via.map(({ kind, options }, i) => [`${at}.via.${i}`, CARRIAGE_OPTIONS[kind], options] as const),
  ] as const;
  for (const [here, schema, options] of parts) {
    const parsed = schema.safeParse(options);
    if (parsed.success) continue;
    const { field, found, allowed } = issuesOf(parsed.error, options)[0]!;
    fail(field ? `${here}.${field}` : here, found, allowed);
  }
  const kinds = source.via.map(({ kind }) => kind);
  const twice = kinds.find((kind, i) => kinds.indexOf(kind) < i);
  if (twice !== undefined)
    fail(`${at}.via`, `${twice} twice`, 'each way once; another one of the kind is a source of its own');
}

function validateMaps({ envelope, map, map_with, erase, via }: SourceIR, at: string): void {
  const spark = via.find(({ kind }) => SPARK_CARRIAGES.includes(kind));
  if (erase.length > 0 && spark)
    fail(`${at}.erase`, `rules, with ${spark.kind}, which Spark reads`, 'none: each entity by `npx tidemark erase`');
  if (envelope === 'canonical') {
    if (map.length > 0 || map_with !== undefined) fail(`${at}.map`, 'a map', 'none: the events come as they are');
    return;
  }
  if (map.length > 0 === (map_with !== undefined))
    fail(`${at}.map`, map.length > 0 ? 'a map and mapWith' : 'no map', 'a map, or mapWith, and not both');
  if (map_with !== undefined && spark)
    fail(`${at}.mapWith`, `a module, with ${spark.kind}, which Spark reads`, 'a map, which both engines read');
}

function validateRule(rule: MapRuleIR, contracts: readonly ContractIR[], at: string): void {
  const { event_type, schema_version } = rule;
  const contract = contracts.find((one) => one.event_type === event_type && one.schema_version === schema_version);
  if (!contract)
    fail(`${at}.event`, `${event_type} of version ${schema_version}`, 'a contract that the use case declares');
  if (!(TIMESTAMP_FORMATS as readonly string[]).includes(rule.time.format) && !rule.time.time_zone)
    fail(
      `${at}.time.timeZone`,
      `none for times such as ${rule.time.format}`,
      'where they are at home, such as Europe/London',
    );
  const known = new Set(contract!.fields.map((field) => field.from ?? field.name));
  const unknown = rule.properties.find(({ name }) => !known.has(name));
  if (unknown) fail(`${at}.properties.${unknown.name}`, 'a field that the contract has not', [...known].join(', '));
}
