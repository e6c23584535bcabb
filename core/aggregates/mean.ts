import { declare, type Summable, type ValuesSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import type { Aggregation } from './aggregation.ts';
import { SUM, type Sum } from './sum.ts';

export const MEAN: Aggregation<Sum> = {
  ...SUM,
  op: 'mean',
  valueType: () => 'float',
  finalise: ({ n, sum }) => sum / n,
};

/** One division of exact integers. */
export const mean = <E extends string>(spec: ValuesSpec<E, Summable>): AggregateFeature<'float'> => declare(MEAN, spec);
