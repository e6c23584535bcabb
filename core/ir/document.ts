/**
 * The intermediate representation (IR): one JSON document a use case, compiled from TypeScript and read by the
 * stream processor, Spark, the trainer and the scorer. Keys are snake_case because three languages read them.
 * All instants and durations are integer milliseconds (UTC); decimals are integers of 10^-scale.
 */

import type { AggregationOp } from '../aggregates/table.ts';

/** A scalar of a canonical event's `properties` or of a finalised feature. `null` means "no value", never 0. */
export type Scalar = number | string | boolean | null;

/** A finalised feature: a scalar, a list of values (newest first), or a histogram's [value, count] pairs (largest first). */
export type FeatureValue = Scalar | readonly Scalar[] | readonly (readonly [string, number])[];

export type TimestampFormat = 'iso8601' | 'epoch_s' | 'epoch_ms';

interface FieldCommon {
  readonly name: string;
  /** Key in the incoming `properties`; absent: `name`. */
  readonly from?: string;
  readonly required: boolean;
  /** Already in canonical form (a decimal default is an integer of 10^-scale). Absent: null. */
  readonly default?: Scalar;
}

export type FieldIR = FieldCommon &
  (
    | {
        readonly type: 'string';
        readonly trim: boolean;
        readonly case?: 'lower' | 'upper';
        readonly max_length: number;
      }
    | {
        readonly type: 'enum';
        readonly trim: boolean;
        readonly case?: 'lower' | 'upper';
        readonly values: readonly string[];
      }
    | { readonly type: 'int'; readonly min?: number; readonly max?: number }
    /** `min` and `max` are in units of 10^-scale. */
    | { readonly type: 'decimal'; readonly scale: number; readonly min?: number; readonly max?: number }
    | { readonly type: 'bool' }
    /** Canonical value: integer ms UTC. */
    | { readonly type: 'timestamp'; readonly format: TimestampFormat }
  );

export type FieldType = FieldIR['type'];

/**
 * Expressions over named values: contract fields (derived columns) or finalised features (derived features).
 * IEEE-754 binary64 in every engine; only operations that are correctly rounded everywhere are allowed.
 * Any null operand gives null (except `coalesce`), and so does a division by zero.
 */
export type ExprIR =
  | { readonly op: 'ref'; readonly name: string }
  | { readonly op: 'const'; readonly value: number }
  | { readonly op: 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max'; readonly left: ExprIR; readonly right: ExprIR }
  /** Comparisons give 1 or 0. */
  | { readonly op: 'gt' | 'gte' | 'lt' | 'lte' | 'eq'; readonly left: ExprIR; readonly right: ExprIR }
  /** The first operand that is not null. */
  | { readonly op: 'coalesce'; readonly left: ExprIR; readonly right: ExprIR }
  | ListExprIR;

/** Over a feature that is a list of numbers (last_k, first_k, top_k, bottom_k): windows by number of events. */
export type ListExprIR =
  | { readonly op: 'sum_of' | 'mean_of' | 'min_of' | 'max_of'; readonly list: string }
  /** The one at a place, from 0; null where the list is shorter. */
  | { readonly op: 'at'; readonly list: string; readonly index: number };

/** A column computed from the fields of its own event after all checks; must come out an integer within ±2^53. */
export interface DerivedColumnIR {
  readonly name: string;
  readonly expr: ExprIR;
  /** Bounds of the value, inclusive; an event beyond them is OUT_OF_RANGE. Absent: any exact integer. */
  readonly min?: number;
  readonly max?: number;
}

export interface ContractIR {
  readonly event_type: string;
  readonly schema_version: number;
  /** How the envelope's `event_time` is written. */
  readonly event_time_format: TimestampFormat;
  /** A source clock ahead by up to this is clamped to the arrival; more is quarantined. */
  readonly max_future_ms: number;
  /** ms UTC; events before are quarantined. Absent: 1970. */
  readonly min_event_time?: number;
  /** Where ISO times without a zone are at home, of `event_time` and of fields. Absent: they are refused. */
  readonly time_zone?: TimeZoneIR;
  readonly fields: readonly FieldIR[];
  readonly derived: readonly DerivedColumnIR[];
  /** An event of this contract cancels the one of `event_type` and the same entity whose id its property `field` holds. */
  readonly retracts?: RetractsIR;
}

/** A zone of the IANA database as it was known where the contract was defined. */
export interface TimeZoneIR {
  readonly name: string;
  /** [from, ms UTC; what local time is ahead of UTC, ms], ascending; the first holds before, too, the last for ever. */
  readonly offsets: readonly (readonly [from: number, offset_ms: number])[];
}

export interface RetractsIR {
  readonly event_type: string;
  readonly field: string;
}

/** All predicates of a `where` must hold; a null property never matches (not even `ne`). */
export type PredicateIR =
  | { readonly field: string; readonly op: 'eq' | 'ne'; readonly value: Scalar }
  | { readonly field: string; readonly op: 'gt' | 'gte' | 'lt' | 'lte'; readonly value: number }
  | { readonly field: string; readonly op: 'in'; readonly value: readonly Scalar[] };

export interface AggregateFeatureIR {
  readonly kind: 'aggregate';
  readonly name: string;
  readonly description: string;
  readonly op: AggregationOp;
  readonly event_type: string;
  /** The property aggregated; null for count and time_since_* of whole events. Null values are skipped. */
  readonly field: string | null;
  readonly where: readonly PredicateIR[];
  /** Width of the window in ms; null = lifetime. */
  readonly window_ms: number | null;
  /** How long before `t` the window ends, ms: 0, but in a series of consecutive windows its place × its width. */
  readonly offset_ms: number;
  /**
   * Hop in ms by the rule of `hopOf` for the window, in a series for the whole of it; null = lifetime. Redundant, so that
   * no reader repeats the rule.
   */
  readonly hop_ms: number | null;
  /**
   * Different values that a tile keeps exactly. count_distinct: above it a theta sketch (relative error ~ 1/sqrt(cap));
   * histogram: above it the value is null. Null for other aggregations.
   */
  readonly cap: number | null;
  /** last_k and histogram: how many values; else null. */
  readonly k: number | null;
  /** quantile: which one, 0 < q < 1, to four decimals; else absent. */
  readonly q?: number;
  /** quantile: relative error of its value at most; else absent. */
  readonly error?: number;
  /** Type of the finalised value. `enum_values` lists the categories of an enum (for the model's index encoding). */
  readonly value_type: 'int' | 'float' | 'string' | 'bool' | 'ints' | 'strings' | 'bools' | 'histogram';
  readonly enum_values: readonly string[] | null;
}

export interface DerivedFeatureIR {
  readonly kind: 'derived';
  readonly name: string;
  readonly description: string;
  /** Over features declared before this one. */
  readonly expr: ExprIR;
  readonly value_type: 'float';
}

export type FeatureIR = AggregateFeatureIR | DerivedFeatureIR;

/** What a state remembers of single events: by arrival, ms, and how many at most. */
export interface RememberedIR {
  readonly horizon_ms: number;
  readonly cap: number;
}

/** How far back a state remembers events that may be retracted, and which events retract which. */
export interface RetractionsIR extends RememberedIR {
  /** Sorted by `event_type`: an event of this type cancels the one of type `of` whose id its property `field` holds. */
  readonly rules: readonly { readonly event_type: string; readonly field: string; readonly of: string }[];
}

export interface FeatureViewIR {
  readonly name: string;
  readonly entity: string;
  readonly features: readonly FeatureIR[];
  /** How long (by arrival, ms) and how many event ids a state remembers to skip producer duplicates. */
  readonly dedupe: RememberedIR;
  /** Null where no contract retracts what the view reads. */
  readonly retractions: RetractionsIR | null;
  /** How long events are kept, ms: no window may be wider. Null: for ever. */
  readonly retention_ms: number | null;
  /** sha256 (hex) over the canonical JSON of the semantics version, this view and the contracts it reads. */
  readonly definition_hash: string;
  /** `<name>@<first 12 hex digits of definition_hash>`: the sort key of the state item. */
  readonly version: string;
}

/** 1 when no matching event falls in [t, t + horizon_ms); else 0. Known, and usable, only at t + horizon_ms. */
export interface LabelIR {
  readonly name: string;
  readonly kind: 'no_event';
  readonly event_type: string;
  readonly where: readonly PredicateIR[];
  readonly horizon_ms: number;
  /** A spine row needs at least one matching event before t. */
  readonly eligible: { readonly event_type: string };
}

/** Instants t = from, from + every, … ≤ to (ms UTC). */
export interface InstantsIR {
  readonly from: number;
  readonly to: number;
  readonly every_ms: number;
}

export interface ModelIR {
  readonly name: string;
  readonly view: string;
  /** Features in the order of the model's input vector. */
  readonly inputs: readonly string[];
  /** Features of the logistic-regression baseline that the model is gated against. */
  readonly baseline_inputs: readonly string[];
  readonly hyperparameters: Readonly<Record<string, string | number>>;
  readonly train: InstantsIR;
  /** Later slice for early stopping and calibration; its labels close before the test instants. */
  readonly validation: InstantsIR;
  readonly test: InstantsIR;
  readonly seed: number;
  /** The gate: the model must be better than the baseline by at least this AUC at the interval's lower end, and calibrated. */
  readonly gate: {
    readonly min_auc: number;
    readonly max_auc: number;
    readonly min_auc_gain_over_baseline: number;
    readonly max_calibration_error: number;
  };
}

export interface AlertIR {
  readonly name: string;
  readonly threshold: number;
  /** The entity can alert again only after its score fell below this … */
  readonly rearm_below: number;
  /** … or after this long (ms). */
  readonly cooldown_ms: number;
  readonly top_reasons: number;
  readonly title: string;
  /** `{entity_id}` and `{t}` are replaced (URL-encoded). */
  readonly link: string;
  /** Plain words for a feature that pushes the score up; `{value}` is replaced by the formatted value. */
  readonly reasons: Readonly<Record<string, ReasonIR>>;
}

export interface ReasonIR {
  readonly text: string;
  /** How `{value}` is written: plain number, days from ms, money from minor units, or percent of a ratio. */
  readonly format: 'number' | 'days' | 'money' | 'percent';
}

export interface UseCaseIR {
  readonly ir_version: 1;
  readonly name: string;
  /** What an entity is called, e.g. `household`. */
  readonly entity: string;
  readonly contracts: readonly ContractIR[];
  /** The model's view is kept up online; without a model there is one view. */
  readonly views: readonly FeatureViewIR[];
  /** Absent in a use case of events and features alone, as is `model`: each needs the other. */
  readonly label?: LabelIR;
  readonly model?: ModelIR;
  /** Absent where scores are looked at, but raise no alert. */
  readonly alerts?: AlertIR;
  /** Loaded history and replays: available_at = event_time + this, unless the source says otherwise. */
  readonly replay: { readonly available_lag_ms: number };
}

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
