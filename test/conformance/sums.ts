/** The cases of sums at the edge of what is exact, as views and canonical events: past the contracts, whose bounds keep ordinary sums away from it. */

import { readFileSync } from 'node:fs';
import { withPlan } from '../../core/definition/plan.ts';
import type { CanonicalEvent, FeatureIR, FeatureValue, FeatureViewIR } from '../../core/ir/document.ts';

interface SumEvent {
  readonly event_id: string;
  /** After the start; it arrives at once. */
  readonly minutes: number;
  readonly amount: number;
}

interface SumCase {
  readonly rule: string;
  readonly features: readonly FeatureIR[];
  readonly events: readonly SumEvent[];
}

const file = JSON.parse(readFileSync('test/conformance/sums.json', 'utf8')) as {
  readonly start_ms: number;
  readonly states: readonly (SumCase & { readonly refused: readonly string[] })[];
  readonly values: readonly (SumCase & {
    readonly queries: readonly { readonly minutes: number; readonly expect: readonly FeatureValue[] }[];
  })[];
};
export const { states: sumStates, values: sumValues } = file;

export const instantOf = (minutes: number) => file.start_ms + minutes * 60_000;

export function sumView({ features }: SumCase): FeatureViewIR {
  const dedupe = { horizon_ms: 3 * 86_400_000, cap: 256 };
  return withPlan({
    name: 'sums',
    entity: 'customer',
    features,
    dedupe,
    retractions: null,
    retention_ms: null,
    definition_hash: '0'.repeat(64),
    version: 'sums@0',
  });
}

export function sumEvents({ events }: SumCase): CanonicalEvent[] {
  return events.map(({ event_id, minutes, amount }, i) => ({
    event_id,
    entity_id: 'ann',
    event_type: 'buy',
    event_time: instantOf(minutes),
    source_time: null,
    source: '',
    schema_version: 1,
    properties: { amount },
    available_at: instantOf(minutes),
    shard_id: 'shard',
    sequence_number: String(i + 1),
  }));
}
