/** What a Glue job writes for who started it, and the command line reads. */
import { z } from 'zod';
import { DRIFT_KINDS } from '../core/admission/drift.ts';

const count = z.int();
const keys = z.array(z.string());

/** Object `healingReport`. */
export const healingReport = z.object({
  run: z.string(),
  repair: z.enum(['no', 'yes', 'all']),
  views: z.array(
    z.object({
      view: z.string(),
      /** Why the view was not looked at. */
      skipped: z.string().optional(),
      snapshot_id: z.string().optional(),
      checked: count,
      /** Entities by what was found; see glue-scripts/tidemark_spark/spark/healing.py. */
      findings: z.record(z.string(), count),
      repaired: count.default(0),
      /** Written by the processor after they were compared: left for the next run. */
      raced: count.default(0),
      /** Erased meanwhile. */
      erased: count.default(0),
      /** Diverged, and not repaired, because there are too many. */
      held: count.default(0),
      /** Tombstone hashes of a few entities by finding. */
      examples: z.record(z.string(), z.array(z.string())).default({}),
      /** ms UTC. */
      started_at: count,
      seconds: z.number(),
    }),
  ),
});
export type HealingReport = z.infer<typeof healingReport>;

/** Object `erasureReport`: records by store. */
export const erasureReport = z.object({
  taken: z.record(z.string(), z.number()),
  left: z.record(z.string(), z.number()),
});
export type ErasureReport = z.infer<typeof erasureReport>;

/** Object `consistencyReport`. */
export const consistencyReport = z.looseObject({
  checked: z.number(),
  mismatches: z.number(),
  by_feature: z.record(z.string(), z.unknown()).optional(),
  first_example: z.unknown().optional(),
});
export type ConsistencyReport = z.infer<typeof consistencyReport>;

const estimate = z.object({ value: z.number(), low: z.number(), high: z.number(), p_value: z.number() });

/** Object `experimentReport`: a difference is the challenger's mean less the champion's; null where nothing can be said yet. */
export const experimentReport = z.object({
  experiment: z.string(),
  status: z.enum(['running', 'stopped', 'promoted']),
  snapshot_id: z.string(),
  /** ms UTC: what happened later is not known yet. */
  closed_until: count,
  alpha: z.number(),
  minimum_sample: count,
  planned_sample: count,
  direction: z.enum(['increase', 'decrease']),
  /** Whether means are proportions. */
  binary: z.boolean(),
  arms: z.array(
    z.object({
      variant: z.string(),
      exposed: count,
      /** Of these, those with a known outcome, with none to be had, and those that wait for it. */
      known: count,
      empty: count,
      waiting: count,
      mean: z.number().nullable(),
    }),
  ),
  multiple_exposure: z.object({ entities: count, share: z.number(), limit: z.number() }),
  sample_ratio: z.object({ final_p: z.number(), sequential_p: z.number(), threshold: z.number() }),
  difference: estimate.nullable(),
  /** As a share of the champion's mean. */
  relative: estimate.nullable(),
  /** The interval as it was at the end of each day (ms UTC). */
  looks: z.array(z.object({ at: count, outcomes: count, value: z.number(), low: z.number(), high: z.number() })),
  /** The champion's mean less that of those of whom nobody was told. */
  hold_out: estimate.nullable(),
  description: z
    .object({ chance_better: z.number(), low: z.number(), high: z.number(), expected_loss: z.number() })
    .nullable(),
  recommendation: z.object({ decision: z.enum(['invalid', 'wait', 'promote', 'keep']), reason: z.string() }),
});
export type ExperimentReport = z.infer<typeof experimentReport>;

/** Object `rebuiltTrainingSet`: keys of files by what became of them. */
export const rebuildReport = z.looseObject({
  training_set_id: z.string(),
  snapshot_id: z.string(),
  equal: z.number(),
  different: keys,
  missing: keys,
  unexpected: keys,
  erased: z.number(),
  writer: z.object({ recorded: z.string(), now: z.string() }),
});
export type RebuildReport = z.infer<typeof rebuildReport>;

/** Object `question`: what the features of an entity were. */
export interface FeaturesQuestion {
  readonly entity_id: string;
  /** ms UTC. */
  readonly t: number;
  /** `asof`: what was known at t; a number: what was known then, ms UTC. */
  readonly knowledge: 'asof' | 'latest' | number;
}

/** Object `answer`. Times in ms UTC. */
export const featuresAnswer = z.object({
  entity_id: z.string(),
  t: z.number(),
  known_before: z.number().nullable(),
  snapshot_id: z.string(),
  view: z.string(),
  features: z.array(z.object({ name: z.string(), value: z.unknown(), latest: z.unknown() })),
  events: z.array(
    z.object({
      event_id: z.string(),
      event_type: z.string(),
      event_time: z.number(),
      available_at: z.number(),
      status: z.enum(['counted', 'outside', 'not_known_yet', 'duplicate', 'cancelled']),
      features: z.array(z.string()),
    }),
  ),
  refused: z.array(z.object({ reason: z.string(), arrival: z.number(), event_id: z.string().nullable() })),
});
export type FeaturesAnswer = z.infer<typeof featuresAnswer>;

/** Object `question` of the job of labels: what became of entities at instants. Both lists are of one length. */
export interface LabelsQuestion {
  readonly entity_ids: readonly string[];
  /** ms UTC. */
  readonly instants: readonly number[];
}

/** Object `answer` to it. */
export const labelsAnswer = z.object({
  /** Up to when labels are known, ms UTC; null: there are no events. */
  closed_until: count.nullable(),
  /** In the order asked; null: not known yet, or never. */
  labels: z.array(z.union([z.literal(0), z.literal(1), z.null()])),
  /** Rows whose label will be known. */
  waiting: count,
});

/** Object `drift`, one line: how records of a source differed from a contract or a map on that day, by names and types (core/admission/drift.ts). */
export const driftExample = z.object({
  /** yyyy-mm-dd, UTC. */
  day: z.string(),
  kind: z.enum(DRIFT_KINDS),
  source: z.string(),
  event_type: z.string(),
  schema_version: z.int().nullable(),
  field: z.string().nullable(),
  found: z.string(),
  allowed: z.string().nullable(),
});
export type DriftExample = z.infer<typeof driftExample>;
