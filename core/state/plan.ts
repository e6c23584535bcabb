/** The plan of a view, made ready to be run: what a state has to hold, and where each feature is read from. */
import type { Aggregation, Options, Partial, PartialType } from '../aggregates/aggregation.ts';
import { aggregationOf } from '../aggregates/table.ts';
import type { AggregateFeatureIR, ContractIR, FeatureViewIR, PredicateIR, RetractionsIR } from '../ir/document.ts';
import { type LedgerPlan, ledgerPlan } from './ledger.ts';

export interface PartialSpec {
  readonly type: PartialType<unknown>;
  readonly event_type: string;
  readonly field: string | null;
  readonly where: readonly PredicateIR[];
  readonly options: Options;
  readonly partial: Partial<unknown>;
}

export interface Level {
  /** ms; 0 for lifetime (one tile that starts at 0). */
  readonly hop_ms: number;
  /** How far back a window read from this level reaches, ms; Infinity for lifetime. Older tiles are dropped. */
  readonly retention_ms: number;
  readonly partials: readonly PartialSpec[];
}

/** Where an aggregate feature is read from; null for derived features. */
export interface Source {
  readonly feature: AggregateFeatureIR;
  readonly level: number;
  readonly partial: number;
}

export type Window = Pick<AggregateFeatureIR, 'window_ms' | 'offset_ms' | 'hop_ms'>;

/** What is read from one level of a state. */
export interface Reading {
  readonly level: number;
  /** Its different windows. */
  readonly windows: readonly Window[];
  readonly partials: readonly {
    readonly partial: number;
    /** Of two cells of a window. @default - as within a tile */
    readonly merge: ((a: unknown, b: unknown) => unknown) | undefined;
    readonly newestWins: boolean;
    /** By ascending (offset, window). */
    readonly features: readonly {
      readonly at: number;
      readonly feature: AggregateFeatureIR;
      readonly aggregation: Aggregation<unknown>;
      readonly window: number;
    }[];
  }[];
}

export interface ViewPlan {
  readonly view: FeatureViewIR;
  readonly levels: readonly Level[];
  /** Place of each feature by its name. */
  readonly places: ReadonlyMap<string, number>;
  /** One per feature of the view, in order. */
  readonly sources: readonly (Source | null)[];
  /** For each event type and level, the places of the partials it touches. */
  readonly touched: ReadonlyMap<string, readonly (readonly number[])[]>;
  /** Place of each level's first partial among all partials of the view. */
  readonly offsets: readonly number[];
  readonly partials: number;
  /** Features by the partial they are read from. */
  readonly readings: readonly Reading[];
  /** Null where nothing that the view reads can be retracted. */
  readonly ledger: LedgerPlan | null;
}

/** Pure and deterministic; compile once at start and reuse. @param view with its plan, as the document has it */
export function compileView(view: FeatureViewIR): ViewPlan {
  const sources = view.features.map((feature, i): Source | null => {
    const cell = view.plan.cells[i];
    return feature.kind === 'aggregate' && cell ? { feature, ...cell } : null;
  });
  const levels = view.plan.levels.map(({ hop_ms, retention_ms, partials }, l) => ({
    hop_ms: hop_ms ?? 0,
    retention_ms: retention_ms ?? Number.POSITIVE_INFINITY,
    partials: partials.map(({ event_type, field, where }, p): PartialSpec => {
      // All features that are read from it say the same of it.
      const { feature } = sources.find((source) => source?.level === l && source.partial === p)!;
      const type = aggregationOf(feature.op).partial;
      return { type, event_type, field, where, options: feature, partial: type.make(feature) };
    }),
  }));
  const touched = new Map<string, number[][]>();
  const offsets: number[] = [];
  let partials = 0;
  levels.forEach((level, l) => {
    offsets.push(partials);
    partials += level.partials.length;
    level.partials.forEach(({ event_type }, p) => {
      const places = touched.get(event_type) ?? levels.map(() => []);
      touched.set(event_type, places);
      places[l]!.push(p);
    });
  });
  return {
    view,
    levels,
    places: new Map(view.features.map(({ name }, i) => [name, i])),
    sources,
    touched,
    offsets,
    partials,
    readings: readingsOf(sources),
    ledger: ledgerPlan(view),
  };
}

/** The contracts whose events decide a view's values, all versions: what it reads, and what retracts that. */
export function contractsOf(view: Pick<FeatureViewIR, 'features'>, contracts: readonly ContractIR[]): ContractIR[] {
  const types = new Set(view.features.map((feature) => (feature.kind === 'aggregate' ? feature.event_type : '')));
  return contracts.filter(
    ({ event_type, retracts }) => types.has(event_type) || (retracts && types.has(retracts.event_type)),
  );
}

/** Which of the contracts' events cancel events that the features read; sorted by event type. */
export function retractionRules(
  features: FeatureViewIR['features'],
  contracts: readonly ContractIR[],
): RetractionsIR['rules'] {
  const read = new Set(features.map((feature) => (feature.kind === 'aggregate' ? feature.event_type : '')));
  const rules = new Map<string, RetractionsIR['rules'][number]>();
  for (const { event_type, retracts } of contracts) {
    if (retracts && read.has(retracts.event_type)) {
      rules.set(event_type, { event_type, field: retracts.field, of: retracts.event_type });
    }
  }
  return [...rules.values()].sort((a, b) => (a.event_type < b.event_type ? -1 : 1));
}

/** Features by level, window and partial, so that each is walked once. */
function readingsOf(sources: readonly (Source | null)[]): Reading[] {
  const read = sources.flatMap((source, at) => (source ? [{ ...source, at }] : []));
  return [...groupBy(read, ({ level }) => level)].map(([level, read]) => {
    const windows = new Map<string, Window>();
    for (const { feature } of read) windows.set(windowKey(feature), feature);
    const keys = [...windows.keys()];
    const partials = [...groupBy(read, ({ partial }) => partial)].map(([partial, of]) => ({
      partial,
      merge: aggregationOf(of[0]!.feature.op).window,
      newestWins: aggregationOf(of[0]!.feature.op).newestWins ?? false,
      features: of
        .map(({ at, feature }) => {
          return { at, feature, aggregation: aggregationOf(feature.op), window: keys.indexOf(windowKey(feature)) };
        })
        .sort((a, b) => a.feature.offset_ms - b.feature.offset_ms || widthOf(a.feature) - widthOf(b.feature)),
    }));
    return { level, windows: [...windows.values()], partials };
  });
}

/** As `Map.groupBy`, which came with Node 21. */
function groupBy<T>(all: readonly T[], keyOf: (one: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}

const windowKey = ({ offset_ms, window_ms }: Window) => `${offset_ms} ${window_ms}`;
/** A lifetime has its level to itself. */
const widthOf = ({ window_ms }: Window) => window_ms ?? 0;
