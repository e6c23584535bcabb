/** How the sources of a use case are declared: the format of what comes, its ways, and a map that is data. */
import type { z } from 'zod';
import type {
  CarriageIR,
  CarriageKind,
  EnvelopeName,
  FieldIR,
  ItemConditionIR,
  MappedPropertyIR,
  MapRuleIR,
  Scalar,
  SelectorIR,
  SourceIR,
} from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { issuesOf } from '../ir/issues.ts';
import { CARRIAGE_OPTIONS, ENVELOPE_OPTIONS } from '../ir/source-options.ts';
import type { TimestampFormat } from '../values/time.ts';
import { timeZoneOf } from '../values/time-zone.ts';
import { checkSource } from './checks.ts';
import { type Contract, contractIR } from './contracts.ts';
import type { FieldSpec } from './fields.ts';
import { AT, SOURCE } from './symbols.ts';

type Constant = string | number | boolean;

interface ValueOptions {
  /** Read by the rules of such a field, and written as the contract's field reads it. @default - as it is */
  readonly as?: FieldSpec;
  /** The decimal point so many places to the left: 2 makes 19.90 of 1990 cents. @default 0 */
  readonly shift?: number;
}

/** A place of an item: `at('/data/object/amount')`. */
export interface At {
  readonly [AT]: { readonly from: readonly SelectorIR[] } & ValueOptions;
  eq(value: Constant): ItemCondition;
  /** Another value: what is not there never matches. */
  ne(value: Constant): ItemCondition;
  in(values: readonly Constant[]): ItemCondition;
  startsWith(text: string): ItemCondition;
  /** There, and not null. */
  exists(): ItemCondition;
  missing(): ItemCondition;
}

/** What must hold of an item: `at('/type').eq('invoice.paid')`. */
export interface ItemCondition {
  readonly [AT]: ItemConditionIR;
}

/** A place, a constant, or several of them, of which the first counts that is there and not null. */
type Value = At | Constant | readonly (At | Constant)[];

/**
 * @param pointer a JSON pointer (RFC 6901) into the item's body: `/data/object/id`, `/items/0`; empty is the whole
 * @param options how the value is read, where it becomes a property
 */
export function at(pointer: string, options: ValueOptions = {}): At {
  const is = (op: ItemConditionIR['op'], value?: unknown) =>
    ({ [AT]: { at: pointer, op, ...(value !== undefined && { value }) } }) as unknown as ItemCondition;
  return {
    [AT]: { from: [{ at: pointer }], ...options },
    eq: (value) => is('eq', value),
    ne: (value) => is('ne', value),
    in: (values) => is('in', values),
    startsWith: (text) => is('starts', text),
    exists: () => is('exists'),
    missing: () => is('missing'),
  };
}

/** The first of several values that is there and not null, read as one. */
export const firstOf = (values: readonly (At | Constant)[], options: ValueOptions = {}): At =>
  ({ ...at(''), [AT]: { from: selectorsOf(values), ...options } }) as At;

type FieldName<Of> = Of extends Contract<string, infer Columns> ? keyof Columns & string : never;

/** Makes an event of the items of which `when` holds; the first rule that does counts. */
export interface MapRule<Of extends Contract = Contract> {
  /** @default - every item */
  readonly when?: ItemCondition | readonly ItemCondition[];
  readonly event: Of;
  /** Whom it is about. */
  readonly entity: Value;
  /** What makes the event's id unique in its source: its values, joined. @default - the provider's own id */
  readonly id?: Value;
  readonly time: {
    readonly from: string | readonly string[];
    /**
     * Or a pattern of yyyy, MM or MMM (Jan), dd, HH or hh with a (AM, PM), mm, ss: `dd/MM/yyyy HH:mm`, which has no zone and needs
     * `timeZone`.
     */
    readonly format: TimestampFormat | (string & {});
    /** Where times without a zone are at home. @default - they are refused */
    readonly timeZone?: string;
  };
  /** By the names of the contract's fields. */
  readonly properties?: { readonly [Name in FieldName<Of>]?: Value };
  /** Pointer to an object whose other members go through under their own names: the contract counts those that it doesn't know. */
  readonly rest?: string;
}

/** Whom to forget on the source's word: only where this is said. */
export interface EraseRule {
  readonly when: ItemCondition | readonly ItemCondition[];
  readonly entity: Value;
}

type CarriageSpec = {
  [Kind in CarriageKind]: { readonly kind: Kind } & OptionsOf<(typeof CARRIAGE_OPTIONS)[Kind]>;
}[CarriageKind];

/** Of a schema without members zod says that every member is never, `kind`, too. */
type OptionsOf<Schema extends z.ZodObject> = string extends keyof z.input<Schema> ? unknown : z.input<Schema>;

type SourceSpec = {
  [Name in EnvelopeName]: {
    /** The format of what comes. */
    readonly envelope: Name;
    readonly options?: z.input<(typeof ENVELOPE_OPTIONS)[Name]>;
  };
}[EnvelopeName] & {
  /** The ways by which it comes; addresses that differ by stage stand in the stage's configuration. */
  readonly via: readonly CarriageSpec[];
  readonly map?: readonly MapRule[];
  /** A module of the use case's folder whose default export makes events of items, where no map can say how. */
  readonly mapWith?: string;
  /** @default - nobody is forgotten on this source's word */
  readonly erase?: readonly EraseRule[];
};

export interface Source {
  readonly [SOURCE]: SourceIR;
}

/** The document of a source. */
export const sourceIR = ({ [SOURCE]: ir }: Source): SourceIR => ir;

/** A rule of a map, with the names of its contract's fields. */
export const rule = <const Of extends Contract>(of: MapRule<Of>): MapRule => of as MapRule;

/**
 * A system that sends facts.
 * @param name its events' `source`; every one of their ids begins with it
 * @throws DefinitionError naming the member, what was found and what is allowed
 */
export function source(name: string, spec: SourceSpec): Source {
  checkSource(name, spec);
  const here = `sources.${name}`;
  const schema = ENVELOPE_OPTIONS[spec.envelope];
  if (!schema)
    throw new DefinitionError(`${here}.envelope`, shown(spec.envelope), Object.keys(ENVELOPE_OPTIONS).join(', '));
  return {
    [SOURCE]: {
      name,
      envelope: spec.envelope,
      options: checked(schema, spec.options ?? {}, `${here}.options`),
      via: spec.via.map((way, i) => carriageOf(way, `${here}.via.${i}`)),
      map: (spec.map ?? []).map((one, i) => ruleOf(one, `${here}.map.${i}`)),
      ...(spec.mapWith !== undefined && { map_with: spec.mapWith }),
      erase: (spec.erase ?? []).map(({ when, entity }) => ({
        when: conditionsOf(when),
        entity: selectorsOf([entity].flat()),
      })),
    },
  };
}

function carriageOf({ kind, ...options }: CarriageSpec, here: string): CarriageIR {
  const schema = CARRIAGE_OPTIONS[kind];
  if (!schema) throw new DefinitionError(`${here}.kind`, shown(kind), Object.keys(CARRIAGE_OPTIONS).join(', '));
  return { kind, options: checked(schema, options, here) };
}

function checked(schema: z.ZodObject, value: unknown, here: string): Record<string, unknown> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { field, found, allowed } = issuesOf(parsed.error, value)[0]!;
  throw new DefinitionError(field ? `${here}.${field}` : here, found, allowed);
}

function ruleOf({ when, event, entity, id, time, properties = {}, rest }: MapRule, here: string): MapRuleIR {
  const contract = contractIR(event);
  const { timeZone } = time;
  return {
    when: conditionsOf(when ?? []),
    event_type: contract.event_type,
    schema_version: contract.schema_version,
    entity: selectorsOf([entity].flat()),
    ...(id !== undefined && { id: selectorsOf([id].flat()) }),
    time: {
      from: [time.from].flat().map((pointer) => ({ at: pointer })),
      format: time.format,
      ...(timeZone !== undefined && { time_zone: timeZoneOf(timeZone, `${here}.time.timeZone`) }),
    },
    properties: Object.entries(properties).map(([name, value]) =>
      propertyOf(contract.fields.find((one) => one.name === name)?.from ?? name, value as Value),
    ),
    ...(rest !== undefined && { rest }),
  };
}

function propertyOf(name: string, value: Value): MappedPropertyIR {
  const { from, as, shift } = isAt(value) ? value[AT] : { from: selectorsOf([value].flat()) };
  // A field's name is the property's.
  return { name, from, ...(as && { as: { ...as, name: 'value' } as FieldIR }), ...(shift !== undefined && { shift }) };
}

const isAt = (value: unknown): value is At => typeof value === 'object' && value !== null && AT in value;

const selectorsOf = (values: readonly (At | Constant)[]): SelectorIR[] =>
  values.flatMap((value) => (isAt(value) ? value[AT].from : [{ const: value as Exclude<Scalar, null> }]));

const conditionsOf = (conditions: ItemCondition | readonly ItemCondition[]): ItemConditionIR[] =>
  [conditions].flat().map((one) => (one as ItemCondition)[AT]);
