import { declare, type KSpec } from '../declare.ts';
import { type Aggregation, ANY } from './aggregation.ts';
import { LISTS, picks } from './last-k.ts';
import { comparePicks, type Pick } from './picks.ts';

export const FIRST_K: Aggregation<readonly Pick[]> = {
  op: 'first_k',
  partial: picks('first_k', comparePicks),
  field: ANY,
  options: ['k'],
  valueType: (scalar) => LISTS[scalar],
  finalise: (cell) => cell.map((pick) => pick.value),
};

/** The first `k` values, oldest first. */
export const firstK = <N extends string>(spec: KSpec<N>) => declare(FIRST_K, spec);
