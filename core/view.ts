/**
 * Compiles a feature view into what a state has to hold: partial aggregates (shared by all features that can share
 * them) at the hop sizes their windows need. The order of levels and partials is part of the state codec:
 * levels by ascending hop with lifetime last; partials of a level in the order of the features that first need them.
 */
import { canonicalJson } from './hash.ts';
import type { AggregateFeatureIR, AggregationOp, ContractIR, FeatureViewIR, PredicateIR } from './ir.ts';
import { type Partial, type PartialKind, partialOf } from './partials.ts';

export interface PartialSpec {
  readonly kind: PartialKind;
  readonly event_type: string;
  readonly field: string | null;
  readonly where: readonly PredicateIR[];
  readonly cap: number | null;
  readonly partial: Partial<unknown>;
}

export interface Level {
  /** ms; 0 for lifetime (one tile that starts at 0). */
  readonly hop_ms: number;
  /** The widest window read from this level, ms; Infinity for lifetime. Older tiles are dropped. */
  readonly retention_ms: number;
  readonly partials: readonly PartialSpec[];
}

/** Where an aggregate feature is read from; null for derived features. */
export interface Source {
  readonly feature: AggregateFeatureIR;
  readonly level: number;
  readonly partial: number;
}

export interface ViewPlan {
  readonly view: FeatureViewIR;
  readonly levels: readonly Level[];
  /** One per feature of the view, in order. */
  readonly sources: readonly (Source | null)[];
  /** For each event type, the partials it touches: [level, partial] pairs. */
  readonly touched: ReadonlyMap<string, readonly (readonly [number, number])[]>;
}

const KIND_OF: Readonly<Record<AggregationOp, PartialKind>> = {
  count: 'count',
  sum: 'sum',
  mean: 'sum',
  min: 'min',
  max: 'max',
  first: 'first',
  last: 'last',
  count_distinct: 'distinct',
  time_since_last: 'time_max',
  time_since_first: 'time_min',
};

/** Pure and deterministic; compile once at start and reuse. */
export function compileView(view: FeatureViewIR): ViewPlan {
  const aggregates = view.features.filter((feature) => feature.kind === 'aggregate');
  const hops = [...new Set(aggregates.map((feature) => feature.hop_ms ?? 0))].sort((a, b) => (a || 1e15) - (b || 1e15));
  const specs: PartialSpec[][] = hops.map(() => []);
  const keys: string[][] = hops.map(() => []);
  const retention = hops.map((hop) => (hop === 0 ? Number.POSITIVE_INFINITY : 0));
  const sources = view.features.map((feature): Source | null => {
    if (feature.kind !== 'aggregate') return null;
    const level = hops.indexOf(feature.hop_ms ?? 0);
    const spec = {
      kind: KIND_OF[feature.op],
      event_type: feature.event_type,
      field: feature.field,
      where: feature.where,
      cap: feature.cap,
    };
    const key = canonicalJson(spec);
    let partial = keys[level]!.indexOf(key);
    if (partial < 0) {
      partial = keys[level]!.push(key) - 1;
      specs[level]!.push({ ...spec, partial: partialOf(spec.kind, spec.cap) });
    }
    retention[level] = Math.max(retention[level]!, feature.window_ms ?? 0);
    return { feature, level, partial };
  });
  const levels = hops.map((hop_ms, i) => ({ hop_ms, retention_ms: retention[i]!, partials: specs[i]! }));
  const touched = new Map<string, (readonly [number, number])[]>();
  levels.forEach((level, l) => {
    level.partials.forEach((spec, p) => {
      touched.set(spec.event_type, [...(touched.get(spec.event_type) ?? []), [l, p]]);
    });
  });
  return { view, levels, sources, touched };
}

/** The contracts whose events a view reads, all versions. */
export function contractsOf(view: Pick<FeatureViewIR, 'features'>, contracts: readonly ContractIR[]): ContractIR[] {
  const types = new Set(view.features.map((feature) => (feature.kind === 'aggregate' ? feature.event_type : '')));
  return contracts.filter((contract) => types.has(contract.event_type));
}
