/**
 * The shape of a use case's document, said once: what checks one is made of it, and so are the types of document.ts.
 * What the definitions mean together is checked in core/definition.
 */
import { z } from 'zod';
import { DAY } from '../values/time.ts';
import { alertSchema } from './alert-schema.ts';
import { experimentSchema } from './experiment-schema.ts';
import { labelSchema } from './label-schema.ts';
import { modelSchema } from './model-schema.ts';
import {
  bounds,
  fieldSchema,
  ms,
  name,
  predicateSchema,
  timestampFormatSchema,
  timeZoneSchema,
} from './schema-parts.ts';
import { sourceSchema } from './source-schema.ts';

export { alertSchema, reasonSchema } from './alert-schema.ts';
export { experimentSchema } from './experiment-schema.ts';
export { labelSchema } from './label-schema.ts';
export { fixedInstantsSchema, instantsSchema, modelSchema } from './model-schema.ts';
export { fieldSchema, predicateSchema, scalarSchema, timeZoneSchema } from './schema-parts.ts';

/** Comparisons give 1 or 0; `coalesce` is the first operand that is not null. */
const BINARY = ['add', 'sub', 'mul', 'div', 'min', 'max', 'gt', 'gte', 'lt', 'lte', 'eq', 'coalesce'] as const;

const listExprs = [
  z.strictObject({ op: z.enum(['sum_of', 'mean_of', 'min_of', 'max_of']), list: name }),
  /** The one at a place, from 0; null where the list is shorter. */
  z.strictObject({ op: z.literal('at'), list: name, index: z.int().min(0).max(63) }),
] as const;
export const listExprSchema = z.discriminatedUnion('op', listExprs);

export const exprSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('ref'), name }),
  z.strictObject({ op: z.literal('const'), value: z.number() }),
  z.strictObject({
    op: z.enum(BINARY),
    get left(): typeof exprSchema {
      return exprSchema;
    },
    get right(): typeof exprSchema {
      return exprSchema;
    },
  }),
  ...listExprs,
]);

export const derivedColumnSchema = z.strictObject({
  /** Bounds of the value, inclusive; an event beyond them is OUT_OF_RANGE. Absent: any exact integer. */
  min: bounds.min,
  max: bounds.max,
  name,
  expr: exprSchema,
});

export const retractsSchema = z.strictObject({ event_type: name, field: name });

export const contractSchema = z.strictObject({
  event_type: name,
  schema_version: z.int().positive(),
  /** How the envelope's `event_time` is written. */
  event_time_format: timestampFormatSchema,
  /** A source clock ahead by up to this is clamped to the arrival; more is quarantined. */
  max_future_ms: ms.max(DAY),
  /** ms UTC; events before are quarantined. Absent: 1970. */
  min_event_time: ms.optional(),
  /** Where ISO times without a zone are at home, of `event_time` and of fields. Absent: they are refused. */
  time_zone: timeZoneSchema.optional(),
  fields: z.array(fieldSchema),
  derived: z.array(derivedColumnSchema),
  /** An event of this contract cancels the one of `event_type` and the same entity whose id its property `field` holds. */
  retracts: retractsSchema.optional(),
});

export const aggregateFeatureSchema = z.strictObject({
  kind: z.literal('aggregate'),
  name,
  description: z.string(),
  /** One of core/aggregates/table.ts. */
  op: z.string(),
  event_type: name,
  /** The property aggregated; null for count and time_since_* of whole events. Null values are skipped. */
  field: name.nullable(),
  where: z.array(predicateSchema),
  /** Width of the window in ms; null = lifetime. */
  window_ms: ms.positive().nullable(),
  /** How long before `t` the window ends, ms: 0, but in a series of consecutive windows its place × its width. */
  offset_ms: ms,
  /**
   * Hop in ms by the rule of `hopOf` for the window, in a series for the whole of it; null = lifetime. Redundant, so that
   * no reader repeats the rule.
   */
  hop_ms: ms.positive().nullable(),
  /**
   * Different values that a tile keeps exactly. count_distinct: above it a theta sketch (relative error ~ 1/sqrt(cap));
   * histogram: above it the value is null. Null for other aggregations.
   */
  cap: z.int().min(1).max(4096).nullable(),
  /** last_k and histogram: how many values; else null. */
  k: z.int().min(1).max(64).nullable(),
  /** quantile: which one, 0 < q < 1, to four decimals; else absent. */
  q: z.number().gt(0).lt(1).optional(),
  /** quantile: relative error of its value at most; else absent. */
  error: z.number().min(0.001).max(0.5).optional(),
  /** Type of the finalised value. */
  value_type: z.enum(['int', 'float', 'string', 'bool', 'ints', 'strings', 'bools', 'histogram']),
  /** The categories of an enum (for the model's index encoding). */
  enum_values: z.array(z.string()).nullable(),
});

export const derivedFeatureSchema = z.strictObject({
  kind: z.literal('derived'),
  name,
  description: z.string(),
  /** Over features declared before this one. */
  expr: exprSchema,
  value_type: z.literal('float'),
});

export const featureSchema = z.discriminatedUnion('kind', [aggregateFeatureSchema, derivedFeatureSchema]);

export const rememberedSchema = z.strictObject({ horizon_ms: ms.positive(), cap: z.int().min(1).max(4096) });

export const retractionsSchema = rememberedSchema.extend({
  /** Sorted by `event_type`: an event of this type cancels the one of type `of` whose id its property `field` holds. */
  rules: z.array(z.strictObject({ event_type: name, field: name, of: name })).min(1),
});

const readSchema = z.strictObject({ event_type: name, properties: z.array(name) });

/** What tiles keep, and where each feature is read from: how a view is computed, written once for all engines. */
export const planSchema = z.strictObject({
  /** By ascending hop, lifetime last; a state's bytes follow this order, and that of the partials in them. */
  levels: z.array(
    z.strictObject({
      /** ms; null = lifetime, one tile that starts at 0. */
      hop_ms: ms.positive().nullable(),
      /** How far back a window read from this level reaches, ms; null for lifetime. Older tiles are dropped. */
      retention_ms: ms.positive().nullable(),
      /** In the order of the features that first need them; features share one wherever they can. */
      partials: z.array(
        z.strictObject({
          /** What it keeps, as `partial.kind` of an aggregation says it. */
          kind: z.string(),
          event_type: name,
          field: name.nullable(),
          where: z.array(predicateSchema),
          cap: z.int().nullable(),
          k: z.int().nullable(),
          error: z.number().optional(),
        }),
      ),
    }),
  ),
  /** Of each feature, in order, the places of the level and of its partial that it is read from; null for a derived one. */
  cells: z.array(z.strictObject({ level: z.int(), partial: z.int() }).nullable()),
  /** What decides the values: event types, and of each the properties, both sorted. */
  reads: z.array(readSchema),
  /** Event types that can be retracted, and what a state remembers of each, both sorted; null where nothing can be. */
  ledger: z.array(readSchema).nullable(),
});

export const viewSchema = z.strictObject({
  name,
  entity: name,
  features: z.array(featureSchema).min(1),
  /** How long (by arrival, ms) and how many event ids a state remembers to skip producer duplicates. */
  dedupe: rememberedSchema,
  /** Null where no contract retracts what the view reads. */
  retractions: retractionsSchema.nullable(),
  /** How long events are kept, ms: no window may be wider. Null: for ever. */
  retention_ms: ms.positive().nullable(),
  /** sha256 (hex) over the canonical JSON of the semantics version, this view and the contracts it reads. */
  definition_hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** `<name>@<first 12 hex digits of definition_hash>`: the sort key of the state item. */
  version: z.string(),
  /** Follows from the features and retractions, so it is outside of the hash. */
  plan: planSchema,
});

export const useCaseSchema = z.strictObject({
  ir_version: z.literal(2, '1 or 2'),
  name,
  /** What an entity is called, e.g. `household`. */
  entity: name,
  contracts: z.array(contractSchema).min(1),
  /** The model's view is kept up online; without a model there is one view. */
  views: z.array(viewSchema).min(1),
  /** Absent in a use case of events and features alone, as is `model`: each needs the other. */
  label: labelSchema.optional(),
  model: modelSchema.optional(),
  /** Absent where scores are looked at, but raise no alert. */
  alerts: alertSchema.optional(),
  /** Models that are tried against the one that serves. Absent: none. */
  experiments: z.array(experimentSchema).optional(),
  /** Who sends events otherwise than in canonical form. Absent: nobody. */
  sources: z.array(sourceSchema).optional(),
  /** Loaded history and replays: available_at = event_time + this, unless the source says otherwise. */
  replay: z.strictObject({ available_lag_ms: ms }),
});

/** As it was before views carried their plans: what was released and deployed by then. */
export const formerUseCaseSchema = useCaseSchema.extend({
  ir_version: z.literal(1),
  views: z.array(viewSchema.omit({ plan: true })).min(1),
});
