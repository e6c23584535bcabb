/** Every aggregation there is. What validates, compiles, reads and writes them goes over this table. */
import type { Aggregation } from './aggregation.ts';
import { COUNT } from './count.ts';
import { COUNT_DISTINCT } from './count-distinct.ts';
import { FIRST, LAST } from './ends.ts';
import { BOTTOM_K, TOP_K } from './extreme-k.ts';
import { MAX, MIN } from './extremes.ts';
import { FIRST_K } from './first-k.ts';
import { HISTOGRAM } from './histogram.ts';
import { LAST_K } from './last-k.ts';
import { MEAN } from './mean.ts';
import { QUANTILE } from './quantile.ts';
import { STDDEV, STDDEV_SAMPLE } from './stddev.ts';
import { SUM } from './sum.ts';
import { TIME_SINCE_FIRST, TIME_SINCE_LAST } from './times.ts';
import { VARIANCE } from './variance.ts';

export const AGGREGATIONS = {
  count: COUNT,
  sum: SUM,
  mean: MEAN,
  min: MIN,
  max: MAX,
  variance: VARIANCE,
  stddev: STDDEV,
  stddev_sample: STDDEV_SAMPLE,
  quantile: QUANTILE,
  first: FIRST,
  last: LAST,
  first_k: FIRST_K,
  last_k: LAST_K,
  top_k: TOP_K,
  bottom_k: BOTTOM_K,
  count_distinct: COUNT_DISTINCT,
  histogram: HISTOGRAM,
  time_since_last: TIME_SINCE_LAST,
  time_since_first: TIME_SINCE_FIRST,
} as const;
export type AggregationOp = keyof typeof AGGREGATIONS;
export const AGGREGATION_OPS = Object.keys(AGGREGATIONS) as AggregationOp[];

export function isAggregationOp(op: string): op is AggregationOp {
  return Object.hasOwn(AGGREGATIONS, op);
}

/** One of the table, whatever its cells are. @param op of a document that was checked */
export function aggregationOf(op: string): Aggregation<unknown> {
  return AGGREGATIONS[op as AggregationOp] as Aggregation<unknown>;
}
