import { declare, type EventsSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { VARINT } from '../values/byte-sizes.ts';
import { type Aggregation, EVENTS, type PartialType } from './aggregation.ts';

/** Bytes: varint n. */
const counted: PartialType<number> = {
  kind: 'count',
  make: () => ({
    add: (cell) => (cell ?? 0) + 1,
    merge: (a, b) => a + b,
    remove: (cell) => (cell === 1 ? null : cell - 1),
    write: (out, cell) => out.varint(cell),
    read: (from) => from.varint(),
  }),
  largest: () => VARINT,
};

export const COUNT: Aggregation<number> = {
  op: 'count',
  partial: counted,
  field: EVENTS,
  valueType: () => 'int',
  empty: 0,
  finalise: (cell) => cell,
};

/** How many events (or non-null values of `field`). */
export const count = <E extends string>(spec: EventsSpec<E>): AggregateFeature<'int'> => declare(COUNT, spec);
