/** Features as values: which name one has is what the view calls it. */

import type { AggregateFeatureIR, FeatureIR } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { has, isObject } from './spec.ts';
import { FEATURE } from './symbols.ts';

/** What the features of one view are called. */
export type FeatureNames = ReadonlyMap<Feature, string>;
export type ValueType = FeatureIR['value_type'];

/** One of a view. `Value`: the type of its value. */
export interface Feature<Value extends ValueType = ValueType> {
  readonly [FEATURE]: {
    /** @throws DefinitionError that says the name */
    compile(name: string, names: FeatureNames): FeatureIR & { readonly value_type: Value };
  };
}

/** A feature over the events of a window. */
export interface AggregateFeature<Value extends ValueType = ValueType> extends Feature<Value> {
  readonly [FEATURE]: Feature<Value>[typeof FEATURE] & {
    /** One of `of` consecutive windows. @throws DefinitionError that says the name */
    window(name: string, place: number, of: number): AggregateFeatureIR & { readonly value_type: Value };
  };
}

/** Consecutive windows of one aggregation, the newest first: each is a feature. */
export interface Series<Value extends ValueType = ValueType> {
  readonly windows: readonly Feature<Value>[];
}

export const isFeature = (value: unknown): value is Feature => has(value, FEATURE);
export const isSeries = (value: unknown): value is Series =>
  isObject(value) && Array.isArray(value.windows) && value.windows.every(isFeature);

const MAX_WINDOWS = 366;

/**
 * `n` consecutive windows, each as wide as the feature's: `<name>_0` (up to now), `<name>_1` (the one before) … Together they
 * are one window: 12 of `7d` are cut out of 84 days.
 * @throws DefinitionError
 */
export function series<Value extends ValueType>(feature: AggregateFeature<Value>, n: number): Series<Value> {
  const declared = isFeature(feature) ? feature[FEATURE] : undefined;
  if (typeof declared?.window !== 'function')
    throw new DefinitionError('series', shown(feature), 'an aggregation such as count({ of: order, window })');
  if (!Number.isInteger(n) || n < 1 || n > MAX_WINDOWS)
    throw new DefinitionError('series', shown(n), `a whole number of windows from 1 to ${MAX_WINDOWS}`);
  return {
    windows: Array.from({ length: n }, (_, place) => ({
      [FEATURE]: { compile: (name) => declared.window(name, place, n) },
    })),
  };
}

/** @throws DefinitionError where one feature stands under two names */
export function namesOf(features: Readonly<Record<string, Feature | Series>>): Map<Feature, string> {
  const names = new Map<Feature, string>();
  for (const [key, one] of Object.entries(features)) {
    const parts = isSeries(one)
      ? one.windows.map((window, i) => [`${key}_${i}`, window] as const)
      : [[key, one] as const];
    for (const [name, feature] of parts) {
      const other = names.get(feature);
      if (other !== undefined)
        throw new DefinitionError(`features.${name}`, `the feature ${other}`, 'each feature once');
      names.set(feature, name);
    }
  }
  return names;
}

/** @param at where the feature is used. @throws DefinitionError where the view does not have it */
export function nameOf(feature: Feature, names: FeatureNames, at: string): string {
  const name = names.get(feature);
  if (name === undefined)
    throw new DefinitionError(at, 'a feature that the view does not have', [...names.values()].join(', '));
  return name;
}
