/** stddev and stddevSample. */
import { declare, type Summable, type ValuesSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { ratio } from '../values/ratio.ts';
import type { Aggregation } from './aggregation.ts';
import { type Moments, spread, VARIANCE } from './variance.ts';

/** The root of one division of exact integers: both are rounded right, so that every language has the same bits. */
const root = (cell: Moments, n: number): number => Math.sqrt(ratio(spread(cell), BigInt(cell.n) * BigInt(n)));

export const STDDEV: Aggregation<Moments> = { ...VARIANCE, op: 'stddev', finalise: (cell) => root(cell, cell.n) };
export const STDDEV_SAMPLE: Aggregation<Moments> = {
  ...VARIANCE,
  op: 'stddev_sample',
  finalise: (cell) => (cell.n < 2 ? null : root(cell, cell.n - 1)),
};

/** Of the population: the root of its variance; 0 for a single event. */
export const stddev = <E extends string>(spec: ValuesSpec<E, Summable>): AggregateFeature<'float'> =>
  declare(STDDEV, spec);
/** Of a sample: √((n·Σv² − (Σv)²) / (n·(n − 1))); null for a single event. */
export const stddevSample = <E extends string>(spec: ValuesSpec<E, Summable>): AggregateFeature<'float'> =>
  declare(STDDEV_SAMPLE, spec);
