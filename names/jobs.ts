/**
 * The Glue jobs: what each is told and what it reports. Its construct gives the first, who starts a run asks the second, its
 * script (tidemark_spark/job_arguments.py, by names.json) refuses to begin without either.
 */
import { z } from 'zod';
import { METRIC, type MetricName, SERVICE, type Service } from './metrics.ts';
import {
  consistencyReport,
  erasureReport,
  experimentReport,
  featuresAnswer,
  healingReport,
  labelsAnswer,
  rebuildReport,
} from './reports.ts';

const text = z.string().min(1);
/** A job is told everything as text. */
const whole = z.int().nonnegative().transform(String);

export interface JobShape {
  /** Arguments that its construct gives for every run. */
  readonly given: z.ZodObject;
  /** What who starts a run says beside them, or otherwise. */
  readonly asked: z.ZodObject;
  /** What it counts for alarms: the word for it in its script, and the metric that it is. */
  readonly metrics?: { readonly service: Service; readonly names: Readonly<Record<string, MetricName>> };
  /** Of the object that it writes for who started it. */
  readonly report?: z.ZodType;
}

/** Every job is given these by its construct, whether its script reads them or not. */
export const COMMON = z.object({
  aws_region: text,
  lake_bucket: text,
  database: text,
  /** s3://… of the compiled use case. */
  ir_uri: text,
});

/** `run` of the erasure that a schedule starts: something that is left ends the job. */
export const WEEKLY = 'weekly';

const repair = z.enum(['no', 'yes', 'all']);
const none = z.object({});
const yes = z.literal('yes');

/** What an import of a source's table is told. `land_job`: name of the job that lands history. */
const importing = { table_features: text, stream_name: text, land_job: text, source: text };
/** `first`: what is there is history, and there is no mark yet. `again`: all rows, whatever the mark says. */
const startedByHand = z.object({ first: yes.optional(), again: yes.optional() });
const imported = {
  received: METRIC.intakeReceived,
  events: METRIC.intakeEvents,
  refused: METRIC.intakeRefused,
  ignored: METRIC.intakeIgnored,
  gaps: METRIC.intakeGaps,
} as const;

/** By the word for them in our code; the script is called alike: `scriptOf`. */
export const JOBS = {
  landHistory: { given: z.object({ entity_buckets: whole, table_features: text }), asked: none },
  compactArchive: {
    /** `late_days`: how long after its day an object may come. */
    given: z.object({ entity_buckets: whole, table_features: text, late_days: whole }),
    asked: z.object({ late_days: whole.optional() }),
    metrics: { service: SERVICE.compaction, names: { open_gaps: METRIC.archiveGaps } },
  },
  backfillStates: {
    /** `cutover_after_seconds`: as the processor has it. `compact_job`: name of the job that merges the archive. */
    given: z.object({ table_features: text, stream_name: text, cutover_after_seconds: whole, compact_job: text }),
    asked: none,
  },
  buildTrainingSet: {
    given: none,
    /** `as_of`: ISO 8601 with a zone, or ms. `rebuild`: id of a set that is made again in memory and compared, alone. */
    asked: z.object({ training_set_id: text.optional(), as_of: text.optional(), rebuild: text.optional() }),
    report: rebuildReport,
  },
  checkConsistency: {
    given: none,
    asked: none,
    metrics: {
      service: SERVICE.consistency,
      names: { checked: METRIC.predictionsChecked, mismatches: METRIC.predictionsMismatched },
    },
    report: consistencyReport,
  },
  analyseExperiment: {
    given: z.object({ table_scores: text }),
    /** Of one experiment alone, by its name. */
    asked: z.object({ experiment: text.optional() }),
    metrics: { service: SERVICE.experiments, names: { mismatches: METRIC.sampleRatioMismatches } },
    report: experimentReport,
  },
  eraseEntity: {
    /** `settle_seconds`: how long a function may go on with what it read before. `run`: of the report's name. */
    given: z.object({ table_features: text, settle_seconds: whole, run: text }),
    asked: z.object({ run: text.optional() }),
    report: erasureReport,
  },
  featuresAt: { given: none, asked: z.object({ request: text }), report: featuresAnswer },
  labelsAt: { given: none, asked: z.object({ request: text }), report: labelsAnswer },
  healStates: {
    given: z.object({
      table_features: text,
      repair,
      /** Nights in which all states are looked at. */
      parts: whole,
      /** What the processor has not applied by then it has given up. */
      stale_after_seconds: whole,
      clock: z.enum(['wall', 'replay']),
    }),
    asked: z.object({ repair: repair.optional(), run: text.optional() }),
    metrics: {
      service: SERVICE.healing,
      names: { diverged: METRIC.healingDiverged, repaired: METRIC.healingRepaired },
    },
    report: healingReport,
  },
  importTable: {
    given: z.object({ ...importing, source_database: text, source_table: text }),
    asked: startedByHand,
    metrics: { service: SERVICE.importTable, names: imported },
  },
  importJdbc: {
    /** `url`: jdbc:…; `login_arn`: of the secret with user name and password. */
    given: z.object({ ...importing, url: text, login_arn: text, source_table: text }),
    asked: startedByHand,
    metrics: { service: SERVICE.importJdbc, names: imported },
  },
  applyRetention: {
    /** Without `events_days` events stay. */
    given: z.object({
      events_days: whole.optional(),
      quarantine_days: whole,
      predictions_days: whole,
      scores_days: whole,
      training_days: whole,
    }),
    asked: none,
  },
  maintainTables: { given: none, asked: none },
} as const satisfies Readonly<Record<string, JobShape>>;

export type JobName = keyof typeof JOBS;
/** Of these there is one a way of a source. */
export type SourceJobName = 'importTable' | 'importJdbc';
/** Of these there is one a deployment. */
export type BatchJobName = Exclude<JobName, SourceJobName>;
export type Given<Name extends JobName> = z.input<(typeof JOBS)[Name]['given']>;
export type Asked<Name extends JobName> = z.input<(typeof JOBS)[Name]['asked']>;

/** What every run is told of metrics, where the job counts for alarms. */
export const METRICS_ARGUMENT = 'metrics';

/** File below `glue-scripts/`: `heal_states.py` of healStates. */
export const scriptOf = (job: JobName): string => `${snakeCase(job)}.py`;

/** @throws ZodError that names the argument */
export const givenTo = <Name extends JobName>(job: Name, values: Given<Name>): Record<string, string> =>
  flags(JOBS[job].given, values);

/** @throws ZodError that names the argument */
export const askedOf = <Name extends JobName>(job: Name, values: Asked<Name>): Record<string, string> =>
  flags(JOBS[job].asked, values);

/** @throws ZodError that names the argument */
export const toldToAll = (values: z.input<typeof COMMON>): Record<string, string> => flags(COMMON, values);

/** One of them as Glue takes it. */
export const flagOf = <Name extends JobName>(_: Name, argument: keyof Asked<Name> & string): string => `--${argument}`;

function flags(schema: z.ZodObject, values: unknown): Record<string, string> {
  const told = Object.entries(schema.strict().parse(values)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told.map(([name, value]) => [`--${name}`, value as string]));
}

/** What a job's script may be told, by its name without `.py`: whether it can't begin without. */
export function argumentsByScript(): Record<string, { required: string[]; optional: string[] }> {
  return Object.fromEntries(
    Object.entries<JobShape>(JOBS).map(([job, { given, asked, metrics }]) => {
      const own = metrics ? [METRICS_ARGUMENT] : [];
      const shape: Readonly<Record<string, z.core.$ZodType>> = { ...asked.shape, ...COMMON.shape, ...given.shape };
      const isRequired = (name: string) => !z.safeParse(shape[name]!, undefined).success;
      const [required, optional] = [true, false].map((is) =>
        Object.keys(shape).filter((name) => isRequired(name) === is),
      );
      return [snakeCase(job), { required: [...required!, ...own], optional: optional! }];
    }),
  );
}

const snakeCase = (word: string) => word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
