import { declare, type KSpec } from '../definition/declare.ts';
import type { Aggregation } from './aggregation.ts';
import { LAST_K, picks } from './last-k.ts';
import { comparePicks, type Pick } from './picks.ts';

export const FIRST_K: Aggregation<readonly Pick[]> = {
  ...LAST_K,
  op: 'first_k',
  partial: picks('first_k', comparePicks),
};

/** The first `k` values, oldest first. */
export const firstK = <N extends string>(spec: KSpec<N>) => declare(FIRST_K, spec);
