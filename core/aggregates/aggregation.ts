/**
 * What an aggregation is: one object in one file, and its twin in glue-scripts/tidemark_spark/engine/aggregates. A tile keeps
 * partials, mergeable and with an identity (null); a window is read from merged ones. What a window holds is never found by
 * subtracting; only a retracted event is taken out of its own tile, where that is exact.
 * A cell is what one partial holds in one tile; null where no event touched it. Cells are never changed in place.
 */

import type { AggregateFeatureIR, CanonicalEvent, FeatureValue, FieldType, Scalar } from '../ir/document.ts';
import type { ByteReader, ByteWriter } from '../values/bytes.ts';

export type Value = string | number | boolean;

/** The cell can't be told without the other events of its tile. */
export const INEXACT = Symbol('inexact');

/** What is remembered of an event that is retracted. */
export interface Retracted {
  readonly event_time: number;
  /** idHash of the event id, or formerIdHash. */
  readonly hash: number;
}

export interface Partial<Cell> {
  /** With one more event. `value` is the aggregated property, `true` where there is none. */
  add(cell: Cell | null, value: Value, event: CanonicalEvent): Cell;
  merge(a: Cell, b: Cell): Cell;
  /** Without an event that was added; null when it was the only one. */
  remove(cell: Cell, value: Value, event: Retracted): Cell | null | typeof INEXACT;
  /** `start`: the tile's first instant, ms; times are written as offsets from it. */
  write(out: ByteWriter, cell: Cell, start: number): void;
  read(from: ByteReader, start: number): Cell;
}

/** What a declaration says beside its field and window, as the IR holds it. */
export type Options = Pick<AggregateFeatureIR, 'cap' | 'k' | 'q' | 'error' | 'value_type'>;
export const OPTION_NAMES = ['cap', 'k', 'q', 'error'] as const;
export type OptionName = (typeof OPTION_NAMES)[number];

/** What the contracts say of a field, over all versions. */
export interface FieldBounds {
  /** UTF-8 bytes of its longest value, 0 where that is no text. */
  readonly text: number;
  /** The largest magnitude of its values; 2^53 where nothing is declared. */
  readonly magnitude: number;
}

/** What a tile keeps. Aggregations of one kind and the same options share it. */
export interface PartialType<Cell> {
  /** Its name among the partials of a level. */
  readonly kind: string;
  make(options: Options): Partial<Cell>;
  /** Bytes of a cell at most. */
  largest(options: Options, field: FieldBounds): number;
}

export type ColumnType = FieldType | 'derived';

/** How a column's values are held; whole events count as whole numbers. */
export function scalarOf(type: ColumnType | null | undefined): 'int' | 'string' | 'bool' {
  if (type === 'bool') return 'bool';
  return type === 'string' || type === 'enum' ? 'string' : 'int';
}

export interface FieldRule {
  /** Whether it aggregates a field; false: whole events where none is named. */
  readonly required: boolean;
  /** @default - any type */
  readonly types?: readonly ColumnType[];
  /** Exact only while every value lies within ± this. */
  readonly within?: number;
}

/** `Cell`: of its partial. */
export interface Aggregation<Cell> {
  readonly op: string;
  readonly partial: PartialType<Cell>;
  readonly field: FieldRule;
  /** Options that it takes; all are needed, but for `cap` where the field has a bound of its own. @default - none */
  readonly options?: readonly OptionName[];
  /** What else it asks of its declaration. @throws DefinitionError */
  check?(feature: AggregateFeatureIR, type: ColumnType | null, at: string): void;
  /** Type of its value, from that of its field. */
  valueType(scalar: 'int' | 'string' | 'bool'): AggregateFeatureIR['value_type'];
  /** Of an empty window. @default - null */
  readonly empty?: 0;
  /** Over the tiles of a window. @default - as within a tile */
  readonly window?: (a: Cell, b: Cell) => Cell;
  /** All cells of a window as one where merging them two by two left the exact range; null where the whole does, too. */
  readonly total?: (cells: readonly Cell[]) => Cell | null;
  /** Tiles don't overlap in time: whether what the newest of them holds comes after all of the others. */
  readonly newestWins?: true;
  /** @param t instant of the query, ms UTC */
  finalise(cell: Cell, options: Options, t: number): FeatureValue;
}

/** The value of an event for a partial, or null when the event doesn't count for it. */
export function valueFor(field: string | null, properties: Readonly<Record<string, Scalar>>): Value | null {
  return field === null ? true : (properties[field] ?? null);
}

const numbers: readonly ColumnType[] = ['int', 'decimal', 'timestamp', 'derived'];
export const EVENTS: FieldRule = { required: false };
export const ANY: FieldRule = { required: true };
export const NUMBERS: FieldRule = { required: true, types: numbers };
/** 2^20 events of the largest value stay within 2^53: the bound that keeps a sum exact. */
export const SUMMED: FieldRule = { required: true, types: numbers, within: 2 ** 33 };
export const TEXTS: FieldRule = { required: true, types: ['string', 'enum'] };
