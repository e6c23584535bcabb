/**
 * How a source is declared: what its records look like, by which ways they come, and how they are mapped to events. It lies
 * outside of all definition hashes: how an event came says nothing about what it means.
 */
import { z } from 'zod';
import { TIMESTAMP_FORMATS } from '../values/time.ts';
import { timeReader } from '../values/time-pattern.ts';
import { fieldSchema, scalarSchema, timeZoneSchema } from './schema-parts.ts';

/** Formats of what comes, each a module of core/intake/envelopes. */
export const ENVELOPES = [
  'json',
  'stripe',
  'salesforce_cdc',
  'salesforce_outbound',
  'x_activity',
  'x_account_activity',
  'segment',
  'otlp_logs',
  'cloudwatch_logs',
  'iot',
  'dms',
  'debezium',
  'dynamodb',
  'kafka',
  'rows',
  'canonical',
] as const;

/** Ways by which records come, each a construct of lib/intake. */
export const CARRIAGES = [
  'http',
  'bus',
  'kinesis',
  'dynamodb',
  'kafka',
  'logs',
  'iot',
  'files',
  'table',
  'jdbc',
] as const;

/** Of these, what Spark reads: a map of code can't follow there. */
export const SPARK_CARRIAGES: readonly string[] = ['table', 'jdbc'];

/** RFC 6901; the empty text is the whole item. */
const pointer = z.string().regex(/^(\/([^~]|~[01])*)?$/, 'a JSON pointer such as /data/object/id');
const column = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'a lower-case name of letters, digits and _');

/** Where a value is taken from. */
export const selectorSchema = z.union([
  z.strictObject({ at: pointer }),
  z.strictObject({ const: scalarSchema.refine((value) => value !== null, 'a text, a number, true or false') }),
]);
/** The first that is there and not null. */
const selectors = z.array(selectorSchema).min(1);

/** What must hold of an item. `in`: one of these; `exists`: there and not null; `missing`: not there, or null. */
export const itemConditionSchema = z.discriminatedUnion('op', [
  z.strictObject({ at: pointer, op: z.enum(['eq', 'ne']), value: scalarSchema }),
  z.strictObject({ at: pointer, op: z.literal('in'), value: z.array(scalarSchema).min(1) }),
  z.strictObject({ at: pointer, op: z.literal('starts'), value: z.string().min(1) }),
  z.strictObject({ at: pointer, op: z.enum(['exists', 'missing']) }),
]);

export const mappedPropertySchema = z.strictObject({
  /** As the contract reads it: its field's `from`, else its name. */
  name: z.string().min(1),
  from: selectors,
  /** Read by the rules of such a field, and written as the contract's field reads it. Absent: as it is. */
  as: fieldSchema.optional(),
  /** The decimal point so many places to the left: 1990 cents are 19.90. Absent: 0. */
  shift: z.int().min(-9).max(9).optional(),
});

export const mapRuleSchema = z.strictObject({
  /** All must hold; none: every item. */
  when: z.array(itemConditionSchema),
  event_type: column,
  schema_version: z.int().positive(),
  entity: selectors,
  /** Joined by `:`; every one must be there. Absent: the provider's id. */
  id: selectors.optional(),
  time: z.strictObject({
    from: selectors,
    /** Of a contract's, or a pattern such as `dd/MM/yyyy HH:mm`, which has no zone and needs `time_zone`. */
    format: z
      .string()
      .refine(
        (text) => (TIMESTAMP_FORMATS as readonly string[]).includes(text) || timeReader(text) !== null,
        'iso8601, epoch_s, epoch_ms, or a pattern such as dd/MM/yyyy HH:mm',
      ),
    /** Where times without a zone are at home. Absent: they are refused. */
    time_zone: timeZoneSchema.optional(),
  }),
  properties: z.array(mappedPropertySchema),
  /** An object whose other members go through under their own names, so that the contract counts what it doesn't know. */
  rest: pointer.optional(),
});

/** Whom to forget. An entity is never forgotten by a source that has none of these. */
export const eraseRuleSchema = z.strictObject({ when: z.array(itemConditionSchema).min(1), entity: selectors });

/** A way, with what is the same in every stage; addresses stand in the stage's configuration. */
export const carriageSchema = z.strictObject({
  kind: z.enum(CARRIAGES),
  /** As CARRIAGE_OPTIONS of its kind says. */
  options: z.record(z.string(), z.unknown()),
});

/** A system that sends facts. */
export const sourceSchema = z.strictObject({
  /** The event's `source`, and what every one of its ids begins with. */
  name: z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'a lower-case name of up to 32 letters, digits and _'),
  envelope: z.enum(ENVELOPES),
  /** As ENVELOPE_OPTIONS of its envelope says, such as the organisation that may send. */
  options: z.record(z.string(), z.unknown()),
  via: z.array(carriageSchema).min(1),
  /** In this order; the first whose `when` holds makes the event. Empty where `map_with` does it, or events come canonical. */
  map: z.array(mapRuleSchema),
  /** A module of the use case's folder that makes events of items, for what no map can say: `./maps/x.ts`. */
  map_with: z
    .string()
    .regex(/^\.\/[\w./-]+\.ts$/, 'a module of the folder such as ./maps/x.ts')
    .optional(),
  /** Empty: nobody is forgotten on this source's word. */
  erase: z.array(eraseRuleSchema),
});
