import { declare, type ValuesSpec } from '../declare.ts';
import { type Aggregation, SUMMED } from './aggregation.ts';
import { type Sum, summed, total } from './sum.ts';

export const MEAN: Aggregation<Sum> = {
  op: 'mean',
  partial: summed,
  field: SUMMED,
  valueType: () => 'float',
  total,
  finalise: ({ n, sum }) => sum / n,
};

/** One division of exact integers. */
export const mean = <N extends string>(spec: ValuesSpec<N>) => declare(MEAN, spec);
