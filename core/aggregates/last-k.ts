import { declare, type KSpec, type ListOf } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { VARINT } from '../values/byte-sizes.ts';
import { isHashOf } from '../values/hash.ts';
import { type Aggregation, ANY, type ColumnType, INEXACT, type PartialType } from './aggregation.ts';
import { comparePicks, largestPick, type Pick, pickOf, readPick, writePick } from './picks.ts';

/** The first `k` picks of an order, in it. Bytes: varint n, n picks. */
export const picks = (kind: string, order: (a: Pick, b: Pick) => number): PartialType<readonly Pick[]> => ({
  kind,
  make: ({ k }) => {
    const merge = (a: readonly Pick[], b: readonly Pick[]) => [...a, ...b].sort(order).slice(0, k!);
    return {
      add: (cell, value, event) => merge(cell ?? [], [pickOf(value, event)]),
      merge,
      remove: (cell, _, { hash }) => {
        const kept = cell.filter((one) => !isHashOf(hash, one.event_id));
        if (kept.length === cell.length) return cell;
        // A tile that was not full holds all its events, so nobody moves up.
        if (cell.length === k) return INEXACT;
        return kept.length > 0 ? kept : null;
      },
      write: (out, cell, start) => {
        out.varint(cell.length);
        for (const one of cell) writePick(out, one, start);
      },
      read: (from, start) => Array.from({ length: from.varint() }, () => readPick(from, start)),
    };
  },
  largest: ({ k }, { text }) => VARINT + k! * largestPick(text),
});

const LISTS = { int: 'ints', string: 'strings', bool: 'bools' } as const;

export const LAST_K: Aggregation<readonly Pick[]> = {
  op: 'last_k',
  partial: picks('last_k', (a, b) => comparePicks(b, a)),
  field: ANY,
  options: ['k'],
  valueType: (scalar) => LISTS[scalar],
  finalise: (cell) => cell.map((pick) => pick.value),
};

/** The last `k` values, newest first. */
export const lastK = <E extends string, T extends ColumnType>(spec: KSpec<E, T>): AggregateFeature<ListOf<T>> =>
  declare(LAST_K, spec);
