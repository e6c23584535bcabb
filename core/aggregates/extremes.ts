/** min and max. */

import { SIGNED } from '../byte-sizes.ts';
import { declare, type ValuesSpec } from '../declare.ts';
import { type Aggregation, INEXACT, NUMBERS, type PartialType } from './aggregation.ts';

/** Bytes: signed value. */
const extreme = (kind: string, keep: (a: number, b: number) => number): PartialType<number> => ({
  kind,
  make: () => ({
    add: (cell, value) => (cell === null ? Number(value) : keep(cell, Number(value))),
    merge: keep,
    // Who was second is not known.
    remove: (cell, value) => (cell === Number(value) ? INEXACT : cell),
    write: (out, cell) => out.signed(cell),
    read: (from) => from.signed(),
  }),
  largest: () => SIGNED,
});

const aggregation = (op: string, keep: (a: number, b: number) => number): Aggregation<number> => ({
  op,
  partial: extreme(op, keep),
  field: NUMBERS,
  valueType: () => 'int',
  finalise: (cell) => cell,
});

export const MIN = aggregation('min', Math.min);
export const MAX = aggregation('max', Math.max);
/** The smallest value. */
export const min = <N extends string>(spec: ValuesSpec<N>) => declare(MIN, spec);
/** The largest value. */
export const max = <N extends string>(spec: ValuesSpec<N>) => declare(MAX, spec);
