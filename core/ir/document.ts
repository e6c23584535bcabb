/**
 * The intermediate representation (IR): one JSON document a use case, compiled from TypeScript and read by the
 * stream processor, Spark, the trainer and the scorer. Keys are snake_case because three languages read them.
 * All instants and durations are integer milliseconds (UTC); decimals are integers of 10^-scale.
 * Members and their bounds stand in schema.ts.
 */
import type { z } from 'zod';
import type * as schema from './schema.ts';
import type * as source from './source-schema.ts';

/** Nobody changes a document that was read. */
type Immutable<T> = unknown extends T ? T : { readonly [K in keyof T]: Immutable<T[K]> };
type Of<Schema extends z.ZodType> = Immutable<z.infer<Schema>>;

/** A scalar of a canonical event's `properties` or of a finalised feature. `null` means "no value", never 0. */
export type Scalar = z.infer<typeof schema.scalarSchema>;

/** A finalised feature: a scalar, a list of values (newest first), or a histogram's [value, count] pairs (largest first). */
export type FeatureValue = Scalar | readonly Scalar[] | readonly (readonly [string, number])[];

export type FieldIR = Of<typeof schema.fieldSchema>;
export type FieldType = FieldIR['type'];

/**
 * Expressions over named values: contract fields (derived columns) or finalised features (derived features).
 * IEEE-754 binary64 in every engine; only operations that are correctly rounded everywhere are allowed.
 * Any null operand gives null (except `coalesce`), and so does a division by zero.
 */
export type ExprIR = Of<typeof schema.exprSchema>;

/** Over a feature that is a list of numbers (last_k, first_k, top_k, bottom_k): windows by number of events. */
export type ListExprIR = Of<typeof schema.listExprSchema>;

/** A column computed from the fields of its own event after all checks; must come out an integer within ±2^53. */
export interface DerivedColumnIR extends Of<typeof schema.derivedColumnSchema> {}

export interface ContractIR extends Of<typeof schema.contractSchema> {}

/** A zone of the IANA database as it was known where the contract was defined. */
export interface TimeZoneIR extends Of<typeof schema.timeZoneSchema> {}

/** All predicates of a `where` must hold; a null property never matches (not even `ne`). */
export type PredicateIR = Of<typeof schema.predicateSchema>;

export interface AggregateFeatureIR extends Of<typeof schema.aggregateFeatureSchema> {}
export interface DerivedFeatureIR extends Of<typeof schema.derivedFeatureSchema> {}
export type FeatureIR = AggregateFeatureIR | DerivedFeatureIR;

/** What a state remembers of single events: by arrival, ms, and how many at most. */
export interface RememberedIR extends Of<typeof schema.rememberedSchema> {}

/** How far back a state remembers events that may be retracted, and which events retract which. */
export interface RetractionsIR extends Of<typeof schema.retractionsSchema> {}

/** How a view is computed: made of its features and retractions by `planOf`, and read by every engine. */
export interface PlanIR extends Of<typeof schema.planSchema> {}

export interface FeatureViewIR extends Of<typeof schema.viewSchema> {}

/** A rule over the events in [t, t + horizon_ms), 1 or 0. Known, and usable, only at t + horizon_ms + maturity_ms. */
export type LabelIR = Of<typeof schema.labelSchema>;

/** Instants t = from, from + every, … ≤ to (ms UTC); or the last of them whose labels are known at a training. */
export type InstantsIR = Of<typeof schema.instantsSchema>;
export interface FixedInstantsIR extends Of<typeof schema.fixedInstantsSchema> {}

export type Framework = NonNullable<ModelIR['framework']>;
export interface ModelIR extends Of<typeof schema.modelSchema> {}
export interface AlertIR extends Of<typeof schema.alertSchema> {}
export interface ReasonIR extends Of<typeof schema.reasonSchema> {}
/** A model against the one that serves. */
export interface ExperimentIR extends Of<typeof schema.experimentSchema> {}

/** Where a map takes a value from: a place of an item, or a constant. */
export type SelectorIR = Of<typeof source.selectorSchema>;
/** What must hold of an item. */
export type ItemConditionIR = Of<typeof source.itemConditionSchema>;
export interface MappedPropertyIR extends Of<typeof source.mappedPropertySchema> {}
/** Makes an event of an item. */
export interface MapRuleIR extends Of<typeof source.mapRuleSchema> {}
export interface EraseRuleIR extends Of<typeof source.eraseRuleSchema> {}
export interface CarriageIR extends Of<typeof source.carriageSchema> {}
export type CarriageKind = CarriageIR['kind'];
/** A system that sends facts. */
export interface SourceIR extends Of<typeof source.sourceSchema> {}
export type EnvelopeName = SourceIR['envelope'];

export interface UseCaseIR extends Of<typeof schema.useCaseSchema> {}

/** The only shape past the front door: JSON lines in the archive, columns in Iceberg. */
export interface CanonicalEvent {
  readonly event_id: string;
  readonly entity_id: string;
  readonly event_type: string;
  /** ms UTC, never above `available_at`. */
  readonly event_time: number;
  /** The source's own time where it was ahead and clamped; else null. */
  readonly source_time: number | null;
  readonly source: string;
  readonly schema_version: number;
  readonly properties: Readonly<Record<string, Scalar>>;
  /** ms UTC: arrival in the stream. */
  readonly available_at: number;
  readonly shard_id: string;
  /** Decimal digits without a sign; compared as a number of any length. History uses shard_id `history`. */
  readonly sequence_number: string;
  /** Place among the events of one record, from 0. Absent: 0. */
  readonly sub_sequence?: number;
}
