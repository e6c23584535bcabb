/** first and last. */
import { declare, type ScalarOf, type ValuesSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { isHashOf } from '../values/hash.ts';
import { type Aggregation, ANY, type ColumnType, INEXACT, type PartialType } from './aggregation.ts';
import { comparePicks, largestPick, type Pick, pickOf, readPick, writePick } from './picks.ts';

/** Bytes: those of a pick. */
const pick = (kind: string, keepFirst: boolean): PartialType<Pick> => {
  const merge = (a: Pick, b: Pick) => (comparePicks(a, b) <= 0 === keepFirst ? a : b);
  return {
    kind,
    make: () => ({
      add: (cell, value, event) => {
        const added = pickOf(value, event);
        return cell === null ? added : merge(cell, added);
      },
      merge,
      // Who was second is not known; whoever was not picked was not counted.
      remove: (cell, _, { hash }) => (isHashOf(hash, cell.event_id) ? INEXACT : cell),
      write: writePick,
      read: readPick,
    }),
    largest: (_, { text }) => largestPick(text),
  };
};

const common = {
  field: ANY,
  valueType: (scalar: 'int' | 'string' | 'bool') => scalar,
  finalise: ({ value }: Pick) => value,
};

export const FIRST: Aggregation<Pick> = { ...common, op: 'first', partial: pick('first', true) };
export const LAST: Aggregation<Pick> = { ...common, op: 'last', partial: pick('last', false), newestWins: true };
/** The value of the oldest event. */
export const first = <E extends string, T extends ColumnType>(spec: ValuesSpec<E, T>): AggregateFeature<ScalarOf<T>> =>
  declare(FIRST, spec);
/** The value of the newest event. */
export const last = <E extends string, T extends ColumnType>(spec: ValuesSpec<E, T>): AggregateFeature<ScalarOf<T>> =>
  declare(LAST, spec);
