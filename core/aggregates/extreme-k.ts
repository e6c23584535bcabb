/** topK and bottomK. */

import { declare, type KSpec, type Ordered } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { SIGNED, VARINT } from '../values/byte-sizes.ts';
import { type Aggregation, INEXACT, NUMBERS, type PartialType } from './aggregation.ts';

/** The first `k` values of an order, in it. Bytes: varint n, n signed values. */
const values = (kind: string, order: (a: number, b: number) => number): PartialType<readonly number[]> => ({
  kind,
  make: ({ k }) => {
    const merge = (a: readonly number[], b: readonly number[]) => [...a, ...b].sort(order).slice(0, k!);
    return {
      add: (cell, value) => merge(cell ?? [], [Number(value)]),
      merge,
      remove: (cell, value) => {
        const at = cell.indexOf(Number(value));
        if (at < 0) return cell;
        // Of a full tile nobody knows who moves up, nor whether an equal value was left out.
        if (cell.length === k) return INEXACT;
        return cell.length > 1 ? cell.toSpliced(at, 1) : null;
      },
      write: (out, cell) => {
        out.varint(cell.length);
        for (const value of cell) out.signed(value);
      },
      read: (from) => Array.from({ length: from.varint() }, () => from.signed()),
    };
  },
  largest: ({ k }) => VARINT + k! * SIGNED,
});

const aggregation = (op: string, order: (a: number, b: number) => number): Aggregation<readonly number[]> => ({
  op,
  partial: values(op, order),
  field: NUMBERS,
  options: ['k'],
  valueType: () => 'ints',
  finalise: (cell) => cell,
});

export const TOP_K = aggregation('top_k', (a, b) => b - a);
export const BOTTOM_K = aggregation('bottom_k', (a, b) => a - b);

/** The `k` largest values, largest first. */
export const topK = <E extends string>(spec: KSpec<E, Ordered>): AggregateFeature<'ints'> => declare(TOP_K, spec);
/** The `k` smallest values, smallest first. */
export const bottomK = <E extends string>(spec: KSpec<E, Ordered>): AggregateFeature<'ints'> => declare(BOTTOM_K, spec);
