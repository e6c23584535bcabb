/** The Spark jobs of a deployment, in the order in which they are made: arguments, grants, findings and times of each. */
import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { SETTLE_SECONDS } from '../../core/admission/tombstone.ts';
import { askedOf, type BatchJobName, type Given, WEEKLY } from '../../names/jobs.ts';
import { PREFIX } from '../../names/lake.ts';
import { ARCHIVE_DAYS } from '../../names/limits.ts';
import { METRIC, type MetricName } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OfflineCatalog } from '../feature-store/offline-catalog.ts';
import type { OnlineTable, ScoreTable } from '../feature-store/tables.ts';
import type { Deployment } from '../foundation/deployment.ts';
import type { EventStream } from '../ingestion/event-stream.ts';
import { API_TIMEOUT_SECONDS } from '../serving/api.ts';
import type { SparkJob } from './spark-job.ts';

/** What jobs work on. */
export interface JobContext {
  readonly deployment: Deployment;
  readonly lake: Lake;
  readonly catalog: OfflineCatalog;
  readonly features: OnlineTable;
  readonly stream: EventStream;
  /** Absent without a model. */
  readonly scores?: ScoreTable;
  /** A job that was made before. */
  job(name: BatchJobName): SparkJob;
}

export interface JobSpec<Name extends BatchJobName> {
  readonly description: string;
  /** What a person who reads the stack's outputs is told it does. */
  readonly output: string;
  /** Without a model nothing is learnt, and no scored vector is kept. @default - every use case has it */
  readonly needs?: 'model';
  /** What it is told with every run. */
  readonly arguments: (context: JobContext) => Given<Name>;
  readonly grant: (job: SparkJob, context: JobContext) => void;
  /** An alarm on one of its metrics: a single finding is one too many. */
  readonly finding?: {
    readonly alarm: string;
    readonly sentence: string;
    readonly runbook: string;
    readonly metric: MetricName;
    readonly period: Duration;
    /** @default - Sum */
    readonly statistic?: string;
  };
  /** By construct id; cron in UTC; the arguments differ from its defaults. */
  readonly schedules?: Readonly<
    Record<string, { readonly cron: string; readonly what: string; readonly arguments?: Record<string, string> }>
  >;
}

export const BATCH_JOBS: { readonly [Name in BatchJobName]: JobSpec<Name> } = {
  landHistory: {
    description: 'Loads history files into the Iceberg table of events',
    output: 'history files into events',
    arguments: ({ deployment, features }) => ({ ...bucketsOf(deployment), ...tableOf(features) }),
    grant: (job, { lake, catalog, features }) => {
      features.grantReadTombstones(job);
      lake.grantRead(job, PREFIX.history);
      catalog.grantWrite(job);
    },
  },
  compactArchive: {
    description: 'Merges the archive into the Iceberg tables, each event once',
    output: 'archive into the Iceberg tables',
    // An object is written as long as the stream keeps its records, and a batch may lie over midnight.
    arguments: ({ deployment, features }) => ({
      ...bucketsOf(deployment),
      ...tableOf(features),
      late_days: daysKept(deployment) + 1,
    }),
    grant: (job, { lake, catalog, features }) => {
      features.grantReadTombstones(job);
      lake.grantRead(job, PREFIX.events, PREFIX.quarantine, PREFIX.predictions, PREFIX.exposures, PREFIX.failedBatches);
      lake.grantRead(job, PREFIX.alerts, PREFIX.outcomes);
      lake.grantReadWrite(job, PREFIX.gaps);
      catalog.grantWrite(job);
    },
    finding: {
      alarm: 'ArchiveGaps',
      sentence:
        'The archive lacks batches that the archiver gave up: until they are back, no backfill ends and states there are not healed.',
      runbook: 'batches-given-up',
      metric: METRIC.archiveGaps,
      // In two hours a compaction of each hour has said so, whenever it ended.
      period: Duration.hours(2),
      statistic: Stats.MAXIMUM,
    },
    schedules: {
      CompactHourly: { cron: 'cron(10 * * * ? *)', what: 'Merges the archive of the last hour' },
      CompactWeekly: {
        cron: 'cron(40 5 ? * SUN *)',
        what: 'Looks for late objects, and forgets',
        arguments: askedOf('compactArchive', { late_days: ARCHIVE_DAYS }),
      },
    },
  },
  backfillStates: {
    description: 'Computes states from all events, with their watermarks, and opens the view',
    output: 'states from all events',
    arguments: ({ deployment, features, stream, job }) => ({
      ...tableOf(features),
      stream_name: stream.stream.streamName,
      cutover_after_seconds: deployment.stage.processor.cutoverAfterSeconds,
      compact_job: job('compactArchive').job.jobName,
    }),
    grant: (job, context) => {
      context.catalog.grantQuery(job);
      context.features.grantBackfill(job);
      // Whether all that is archived was merged, and where shards have not begun.
      context.lake.grantList(job);
      context.stream.grantListShards(job);
      // Where a version cut over is known when it has: the archive is merged up to there then.
      context.job('compactArchive').grantRun(job);
    },
  },
  buildTrainingSet: {
    description: 'Joins labels and features as they were known at each instant',
    output: 'training set',
    needs: 'model',
    arguments: () => ({}),
    grant: (job, { lake, catalog }) => {
      catalog.grantWrite(job);
      lake.grantReadWrite(job, PREFIX.trainingSets);
    },
  },
  checkConsistency: {
    description: 'Replays served vectors offline and counts the differences',
    output: 'served vectors replayed offline',
    needs: 'model',
    arguments: () => ({}),
    grant: (job, { lake, catalog }) => {
      catalog.grantQuery(job);
      lake.grantRead(job, PREFIX.predictions);
      lake.grantReadWrite(job, PREFIX.checks);
    },
    finding: {
      alarm: 'PredictionsMismatched',
      sentence: 'Vectors that were served differ from their offline replay: training would learn from other values.',
      runbook: 'predictions-mismatched',
      metric: METRIC.predictionsMismatched,
      period: Duration.days(1),
    },
    schedules: { CheckDaily: { cron: 'cron(30 3 * * ? *)', what: 'Replays the served vectors of the last day' } },
  },
  analyseExperiment: {
    description: 'Compares the variants of experiments by what became of their entities',
    output: 'reports of experiments',
    needs: 'model',
    arguments: ({ scores }) => ({ table_scores: scores!.table.tableName }),
    grant: (job, { lake, catalog, scores }) => {
      catalog.grantQuery(job);
      lake.grantPut(job, PREFIX.experiments);
      scores!.grantReadExperiments(job);
    },
    finding: {
      alarm: 'SampleRatioMismatch',
      sentence:
        'An experiment loses entities of one variant: what it says of the difference between them means nothing.',
      runbook: 'sample-ratio-mismatch',
      metric: METRIC.sampleRatioMismatches,
      period: Duration.days(1),
    },
    schedules: { AnalyseDaily: { cron: 'cron(50 4 * * ? *)', what: 'Looks at the experiments' } },
  },
  eraseEntity: {
    description: 'Takes entities with a tombstone out of every store of the lake',
    output: 'erases entities from the lake',
    arguments: ({ deployment, features }) => ({
      ...tableOf(features),
      settle_seconds: longestCall(deployment),
      run: WEEKLY,
    }),
    grant: (job, { lake, catalog, features }) => {
      catalog.grantWrite(job);
      features.grantReadTombstones(job);
      lake.grantPut(job, PREFIX.tombstones);
      lake.grantErase(
        job,
        PREFIX.history,
        PREFIX.events,
        PREFIX.quarantine,
        PREFIX.predictions,
        PREFIX.exposures,
        PREFIX.alerts,
        PREFIX.outcomes,
        PREFIX.failedBatches,
        PREFIX.timeTravel,
        PREFIX.trainingSets,
        PREFIX.checks,
        PREFIX.warehouse,
      );
    },
    // A batch that was being retried during an erasure is written to the lake by Lambda itself, up to a day later.
    schedules: {
      EraseWeekly: { cron: 'cron(40 1 ? * SUN *)', what: 'Erases what came late of erased entities' },
    },
  },
  featuresAt: {
    description: 'Says what the features of an entity were at an instant, and why',
    output: 'features of an entity at an instant',
    arguments: () => ({}),
    grant: (job, { lake, catalog }) => {
      catalog.grantQuery(job);
      lake.grantReadWrite(job, PREFIX.timeTravel);
    },
  },
  labelsAt: {
    description: 'Says what became of entities at instants, for the report of alerts',
    output: 'labels of entities at instants',
    needs: 'model',
    arguments: () => ({}),
    grant: (job, { lake, catalog }) => {
      catalog.grantQuery(job);
      lake.grantReadWrite(job, PREFIX.timeTravel);
    },
  },
  healStates: {
    description: 'Compares states with their events, and writes anew those at odds',
    output: 'states compared with their events, and mended',
    arguments: ({ deployment: { stage }, features }) => ({
      ...tableOf(features),
      repair: 'yes',
      parts: stage.batch.healingNights,
      // What the processor has not applied by then it has given up.
      stale_after_seconds: stage.processor.maxRecordAgeSeconds,
      clock: stage.clock,
    }),
    grant: (job, { lake, catalog, features }) => {
      catalog.grantQuery(job);
      lake.grantRead(job, PREFIX.events);
      lake.grantPut(job, PREFIX.healing);
      features.grantHeal(job);
    },
    finding: {
      alarm: 'HealingDiverged',
      sentence: 'States differed from what their events give, for no known cause: vectors served of them were wrong.',
      runbook: 'healing-diverged',
      metric: METRIC.healingDiverged,
      period: Duration.days(1),
    },
    // Soon after a compaction: states that have seen newer events wait for the next night.
    schedules: { HealNightly: { cron: 'cron(25 4 * * ? *)', what: 'Heals states that differ from their events' } },
  },
  applyRetention: {
    description: 'Lets rows go that are older than the stage keeps them',
    output: 'what is too old goes',
    arguments: ({ deployment }) => retentionOf(deployment),
    grant: (job, { lake, catalog }) => {
      catalog.grantWrite(job);
      lake.grantList(job);
    },
    schedules: { RetainNightly: { cron: 'cron(40 2 * * ? *)', what: 'Lets rows go that are too old' } },
  },
  maintainTables: {
    description: 'Joins small files of the Iceberg tables, and lets old snapshots go',
    output: 'care of the Iceberg tables',
    arguments: () => ({}),
    grant: (job, { catalog }) => catalog.grantWrite(job),
    // Between two compactions, on the quietest day.
    schedules: { MaintainWeekly: { cron: 'cron(25 6 ? * SUN *)', what: 'Takes care of the Iceberg tables' } },
  },
};

const tableOf = ({ table }: OnlineTable) => ({ table_features: table.tableName });
const bucketsOf = ({ stage }: Deployment) => ({ entity_buckets: stage.batch.entityBuckets });

function retentionOf({ stage }: Deployment): Given<'applyRetention'> {
  const { eventsDays, quarantineDays, predictionsDays, scoresDays, trainingSetsDays } = stage.retention;
  return {
    events_days: eventsDays,
    quarantine_days: quarantineDays,
    predictions_days: predictionsDays,
    scores_days: scoresDays,
    training_days: trainingSetsDays,
  };
}

/** For how long the stream keeps a record, in whole days. */
function daysKept({ stage }: Deployment): number {
  return Math.ceil(stage.stream.retentionHours / 24);
}

/** How long a function may go on with what it read before an erasure, and with the list of tombstones from before it, s. */
function longestCall({ stage }: Deployment): number {
  const { processor, archiver, scorer, sweep } = stage;
  const calls = [processor, archiver, scorer, sweep].map((of) => of.timeoutSeconds);
  return Math.max(API_TIMEOUT_SECONDS, ...calls) + SETTLE_SECONDS;
}
