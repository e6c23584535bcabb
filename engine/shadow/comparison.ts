/**
 * A model that only listens against the one that serves: on the same vectors, that is on the same entities at the same
 * instants. No threshold of AWS is meant here; the bounds are the stage's (`endpoint.shadow`).
 */
import { z } from 'zod';
import { sha256 } from '../../core/values/hash.ts';

export const boundsSchema = z.object({
  seconds: z.int(),
  minimumPairs: z.int(),
  maxDecisionShare: z.number(),
  maxScoreDistance: z.number(),
  maxErrorShare: z.number(),
  maxLatencyMs: z.number(),
});
export type ShadowBounds = z.infer<typeof boundsSchema>;

/** What SageMaker measured of a variant while the shadow listened. */
export interface VariantMeasures {
  readonly invocations: number;
  /** 4xx and 5xx. */
  readonly errors: number;
  /** 99th percentile, ms; null without an answer. */
  readonly latency_ms: number | null;
}

export interface ShadowReport {
  readonly passed: boolean;
  /** Each bound that is broken, with what was found and what is allowed. */
  readonly reasons: readonly string[];
  /** Predictions of ours in that time, and those that the shadow answered too. */
  readonly predictions: number;
  readonly pairs: number;
  /** Scores of the shadow that are no probabilities. */
  readonly invalid: number;
  /** Pairs on different sides of the alerts' threshold. Null without alerts. */
  readonly decision_share: number | null;
  /** Share of each side above the threshold. Null without alerts, or without a pair. */
  readonly above: { readonly champion: number; readonly shadow: number } | null;
  /** Mean and largest distance of both scores of a pair; null without one. */
  readonly distance: { readonly mean: number; readonly max: number } | null;
  readonly champion: VariantMeasures;
  readonly shadow: VariantMeasures;
}

/** What a vector is known by: two entities with the same inputs have the same score. */
function keyOfInputs(inputs: readonly (number | null)[]): string {
  return sha256(JSON.stringify(inputs)).slice(0, 32);
}

/** Scores of both sides, gathered prediction by prediction. */
export class ShadowComparison {
  private readonly shadow = new Map<string, number>();
  private readonly bounds: ShadowBounds;
  private readonly threshold: number | null;
  private invalid = 0;
  private predictions = 0;
  private readonly seen = { pairs: 0, differ: 0, distance: 0, furthest: 0, champion: 0, shadow: 0 };

  /** @param threshold above which a score raises an alert; null without alerts */
  constructor(bounds: ShadowBounds, threshold: number | null) {
    this.bounds = bounds;
    this.threshold = threshold;
  }

  /** How many vectors the shadow has answered. */
  get answered(): number {
    return this.shadow.size;
  }

  /** An answer of the shadow. @param score null and what is no probability count as invalid */
  answer(inputs: readonly (number | null)[], score: unknown): void {
    if (typeof score === 'number' && score >= 0 && score <= 1) this.shadow.set(keyOfInputs(inputs), score);
    else this.invalid++;
  }

  /** A prediction of ours; all answers of the shadow are known by then. */
  predicted({ inputs, score }: { readonly inputs: readonly (number | null)[]; readonly score: number }): void {
    this.predictions++;
    const other = this.shadow.get(keyOfInputs(inputs));
    if (other === undefined) return;
    const { seen, threshold } = this;
    const distance = Math.abs(score - other);
    seen.pairs++;
    seen.distance += distance;
    seen.furthest = Math.max(seen.furthest, distance);
    if (threshold === null) return;
    seen.champion += Number(score > threshold);
    seen.shadow += Number(other > threshold);
    seen.differ += Number(score > threshold !== other > threshold);
  }

  report(champion: VariantMeasures, shadow: VariantMeasures): ShadowReport {
    const { seen, threshold, predictions, invalid } = this;
    const some = seen.pairs > 0;
    const found = {
      predictions,
      pairs: seen.pairs,
      invalid,
      decision_share: threshold === null || !some ? null : seen.differ / seen.pairs,
      above:
        threshold === null || !some ? null : { champion: seen.champion / seen.pairs, shadow: seen.shadow / seen.pairs },
      distance: some ? { mean: seen.distance / seen.pairs, max: seen.furthest } : null,
      champion,
      shadow,
    };
    const reasons = this.broken(found);
    return { passed: reasons.length === 0, reasons, ...found };
  }

  private broken(found: Omit<ShadowReport, 'passed' | 'reasons'>): string[] {
    const { bounds } = this;
    const { pairs, invalid, shadow, distance } = found;
    const errors = shadow.invocations === 0 ? 0 : shadow.errors / shadow.invocations;
    const rules: Array<[boolean, string]> = [
      [
        pairs < bounds.minimumPairs,
        `predictions that both answered: found ${pairs}; allowed: at least ${bounds.minimumPairs}`,
      ],
      [invalid > 0, `scores that are no probabilities: found ${invalid}; allowed: none`],
      [
        (found.decision_share ?? 0) > bounds.maxDecisionShare,
        `share of other decisions at the threshold: found ${n(found.decision_share)}; allowed: up to ${bounds.maxDecisionShare}`,
      ],
      [
        (distance?.mean ?? 0) > bounds.maxScoreDistance,
        `mean distance of scores: found ${n(distance?.mean)}; allowed: up to ${bounds.maxScoreDistance}`,
      ],
      [
        errors > bounds.maxErrorShare,
        `share of failed requests: found ${n(errors)}; allowed: up to ${bounds.maxErrorShare}`,
      ],
      [
        (shadow.latency_ms ?? 0) > bounds.maxLatencyMs,
        `99th percentile of its latency: found ${n(shadow.latency_ms)} ms; allowed: up to ${bounds.maxLatencyMs} ms`,
      ],
    ];
    return rules.filter(([broken]) => broken).map(([, words]) => words);
  }
}

const n = (value: number | null | undefined): string => (value ?? 0).toFixed(4);
