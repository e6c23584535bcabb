/** Which variant of an experiment an entity gets: a function of its id alone, so that everybody who asks gets the same answer. */
import type { ExperimentIR } from '../ir/document.ts';
import { fractionOf } from './fraction.ts';
import { growthbookFraction } from './growthbook.ts';

/** Production variants of the endpoint while an experiment runs; the first is what serves all without one. */
export const VARIANTS = ['champion', 'challenger'] as const;
export type VariantName = (typeof VARIANTS)[number];

/** In place of a variant: nobody here gets an alert; the champion scores them. */
export const HOLD_OUT = 'hold_out';
/** What an entity that takes part is in. */
export type Arm = VariantName | typeof HOLD_OUT;

/** What decides an assignment; it never changes while the experiment runs, but for the coverage, which only grows. */
export type Allocation = Pick<ExperimentIR, 'hash' | 'salts' | 'hold_out' | 'variants'>;

/** Half-open, within [0, 1). */
export type Range = readonly [from: number, to: number];

/**
 * Of each variant, the part [start, start + coverage × weight) of its own stretch [start, start + weight): with more coverage
 * a range only grows at its end, so whoever is in it stays. GrowthBook's getBucketRanges.
 * @param weights above 0, adding up to 1. @param coverage 0 to 1
 */
export function rangesOf(weights: readonly number[], coverage: number): Range[] {
  let start = 0;
  return weights.map((weight) => {
    const from = start;
    start += weight;
    return [from, from + coverage * weight];
  });
}

/**
 * The arm of an entity; null: it takes no part.
 *
 * Two salts, as one number can't say both whether somebody takes part and which variant they get: with the part that takes
 * part, the shares of the variants would change. With `growthbook` the variant is what GrowthBook's SDKs (hashVersion 2, the
 * salt as seed) assign at this coverage, and the other salt decides the hold-out alone.
 * @param coverage 0 to 1: the share of entities that get a variant
 */
export function armOf(
  { hash, salts, hold_out, variants }: Allocation,
  coverage: number,
  entity_id: string,
): Arm | null {
  const fraction = hash === 'growthbook' ? growthbookFraction : fractionOf;
  const enrolled = fraction(salts.enrol, entity_id);
  if (enrolled >= 1 - hold_out) return HOLD_OUT;
  // With sha256 who takes part is decided already, and the variants share all of it.
  if (hash === 'sha256' && enrolled >= coverage) return null;
  const ranges = rangesOf(
    variants.map(({ weight }) => weight),
    hash === 'sha256' ? 1 : coverage,
  );
  const n = fraction(salts.variant, entity_id);
  const found = ranges.findIndex(([from, to]) => n >= from && n < to);
  // Weights add up to 1 within rounding: what is left above the last range is the last variant's.
  if (found < 0) return hash === 'sha256' ? variants.at(-1)!.name : null;
  return variants[found]!.name;
}
