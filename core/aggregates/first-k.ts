import { declare, type KSpec, type ListOf } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import type { Aggregation, ColumnType } from './aggregation.ts';
import { LAST_K, picks } from './last-k.ts';
import { comparePicks, type Pick } from './picks.ts';

export const FIRST_K: Aggregation<readonly Pick[]> = {
  ...LAST_K,
  op: 'first_k',
  partial: picks('first_k', comparePicks),
};

/** The first `k` values, oldest first. */
export const firstK = <E extends string, T extends ColumnType>(spec: KSpec<E, T>): AggregateFeature<ListOf<T>> =>
  declare(FIRST_K, spec);
