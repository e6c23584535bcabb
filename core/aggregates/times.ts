/** timeSinceLast and timeSinceFirst. */

import { declare, type EventsSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { VARINT } from '../values/byte-sizes.ts';
import { type Aggregation, EVENTS, INEXACT, type PartialType } from './aggregation.ts';

/** Bytes: varint time - tile start. */
const time = (kind: string, keep: (a: number, b: number) => number): PartialType<number> => ({
  kind,
  make: () => ({
    add: (cell, _, event) => (cell === null ? event.event_time : keep(cell, event.event_time)),
    merge: keep,
    remove: (cell, _, { event_time }) => (cell === event_time ? INEXACT : cell),
    write: (out, cell, start) => out.varint(cell - start),
    read: (from, start) => from.varint() + start,
  }),
  largest: () => VARINT,
});

const common = {
  field: EVENTS,
  valueType: () => 'int' as const,
  finalise: (cell: number, _: unknown, t: number) => t - cell,
};

export const TIME_SINCE_LAST: Aggregation<number> = {
  ...common,
  op: 'time_since_last',
  partial: time('time_max', Math.max),
  newestWins: true,
};
export const TIME_SINCE_FIRST: Aggregation<number> = {
  ...common,
  op: 'time_since_first',
  partial: time('time_min', Math.min),
};

/** ms from the newest matching event to `t`. */
export const timeSinceLast = <E extends string>(spec: EventsSpec<E>): AggregateFeature<'int'> =>
  declare(TIME_SINCE_LAST, spec);
/** ms from the oldest matching event of the window to `t`. */
export const timeSinceFirst = <E extends string>(spec: EventsSpec<E>): AggregateFeature<'int'> =>
  declare(TIME_SINCE_FIRST, spec);
