/**
 * The plan of a feature view: partial aggregates (shared by all features that can share them) at the hop sizes their
 * windows need. It is part of the document, and the order in it part of the state codec: levels by ascending hop with
 * lifetime last; partials of a level in the order of the features that first need them.
 */
import { aggregationOf } from '../aggregates/table.ts';
import type { AggregateFeatureIR, FeatureViewIR, PlanIR } from '../ir/document.ts';
import { canonicalJson } from '../values/hash.ts';

type PartialIR = PlanIR['levels'][number]['partials'][number];
type ReadIR = PlanIR['reads'][number];

/** What a plan is made of. */
export type Planned = Pick<FeatureViewIR, 'features' | 'retractions'>;

/** Pure and deterministic. */
export function planOf({ features, retractions }: Planned): PlanIR {
  const aggregates = features.filter((feature) => feature.kind === 'aggregate');
  const hops = [...new Set(aggregates.map(({ hop_ms }) => hop_ms))].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  const levels = hops.map((hop_ms) => {
    const own = aggregates.filter((feature) => feature.hop_ms === hop_ms);
    const partials = new Map(own.map((feature) => [keyOf(feature), partialOf(feature)]));
    const reach = Math.max(...own.map(({ offset_ms, window_ms }) => offset_ms + (window_ms ?? 0)));
    return { hop_ms, retention_ms: hop_ms === null ? null : reach, partials };
  });
  const cells = features.map((feature) => {
    if (feature.kind !== 'aggregate') return null;
    const level = hops.indexOf(feature.hop_ms);
    return { level, partial: [...levels[level]!.partials.keys()].indexOf(keyOf(feature)) };
  });
  const rules = retractions?.rules ?? [];
  const read = aggregates.map((feature) => [feature.event_type, propertiesOf(feature)] as const);
  const retracting = rules.map(({ event_type, field }) => [event_type, [field]] as const);
  const retractable = new Set(rules.map((rule) => rule.of));
  const remembered = [...retractable].map((event_type) => [event_type, []] as const);
  return {
    levels: levels.map((level) => ({ ...level, partials: [...level.partials.values()] })),
    cells,
    reads: readsOf([...read, ...retracting]),
    ledger: retractions && readsOf([...remembered, ...read.filter(([event_type]) => retractable.has(event_type))]),
  };
}

/** A view as the document has it. */
export function withPlan<View extends Planned>(view: View): View & Pick<FeatureViewIR, 'plan'> {
  return { ...view, plan: planOf(view) };
}

function partialOf({ op, event_type, field, where, cap, k, error }: AggregateFeatureIR): PartialIR {
  const { kind } = aggregationOf(op).partial;
  return { kind, event_type, field, where, cap, k, ...(error !== undefined && { error }) };
}

const keyOf = (feature: AggregateFeatureIR) => canonicalJson(partialOf(feature));

function propertiesOf({ field, where }: AggregateFeatureIR): string[] {
  return [...(field === null ? [] : [field]), ...where.map((predicate) => predicate.field)];
}

function readsOf(all: readonly (readonly [event_type: string, properties: readonly string[]])[]): ReadIR[] {
  const types = [...new Set(all.map(([event_type]) => event_type))].sort();
  return types.map((event_type) => {
    const own = all.filter(([type]) => type === event_type).flatMap(([, properties]) => properties);
    return { event_type, properties: [...new Set(own)].sort() };
  });
}
