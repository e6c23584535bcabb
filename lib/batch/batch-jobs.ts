import { fileURLToPath } from 'node:url';
import { Duration, IgnoreMode } from 'aws-cdk-lib';
import { ComparisonOperator, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { CfnTrigger } from 'aws-cdk-lib/aws-glue';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { SETTLE_SECONDS } from '../../core/admission/tombstone.ts';
import { hasModel } from '../../core/ir/parts.ts';
import { askedOf, type JobName, WEEKLY } from '../../names/jobs.ts';
import { PREFIX } from '../../names/lake.ts';
import { ARCHIVE_DAYS } from '../../names/limits.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OfflineCatalog } from '../feature-store/offline-catalog.ts';
import type { OnlineTable } from '../feature-store/tables.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import type { DataKey } from '../foundation/data-key.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { deadLetterQueue } from '../foundation/node-function.ts';
import type { EventStream } from '../ingestion/event-stream.ts';
import { type AlarmProps, type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import { API_TIMEOUT_SECONDS } from '../serving/api.ts';
import { SparkJob, type SparkJobProps } from './spark-job.ts';

export interface BatchJobsProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly alarmTopic: ITopic;
  readonly key: DataKey;
  readonly lake: Lake;
  readonly catalog: OfflineCatalog;
  readonly features: OnlineTable;
  readonly stream: EventStream;
  readonly useCase: CodeAsset;
}

/** The Spark side: history in, archive into Iceberg, states out, training sets, and the check of both engines. */
export class BatchJobs extends Construct {
  readonly landHistory: SparkJob;
  readonly compactArchive: SparkJob;
  readonly backfillStates: SparkJob;
  /** These two where there is a model: without one nothing is learnt, and no scored vector is kept. */
  readonly buildTrainingSet?: SparkJob;
  readonly checkConsistency?: SparkJob;
  readonly eraseEntity: SparkJob;
  readonly featuresAt: SparkJob;
  readonly healStates: SparkJob;
  readonly applyRetention: SparkJob;
  readonly maintainTables: SparkJob;

  constructor(scope: Construct, id: string, props: BatchJobsProps) {
    super(scope, id);
    const { deployment, lake, catalog, features, stream } = props;
    const sharedCode = new CodeAsset(this, 'SharedCode', {
      path: fileURLToPath(new URL('../../glue-scripts', import.meta.url)),
      // Only the package, at the root of the zip, is what --extra-py-files wants.
      exclude: ['/*', '!/tidemark_spark', '__pycache__', '*.pyc'],
      ignoreMode: IgnoreMode.GIT,
    });
    const common = { deployment, lake, catalog, sharedCode, useCase: props.useCase };
    const entity_buckets = deployment.stage.batch.entityBuckets;

    const table_features = features.table.tableName;

    this.landHistory = new SparkJob(this, 'LandHistory', {
      ...common,
      name: 'landHistory',
      description: 'Loads history files into the Iceberg table of events',
      arguments: { entity_buckets, table_features },
    });
    features.grantReadTombstones(this.landHistory);
    lake.grantRead(this.landHistory, PREFIX.history);
    catalog.grantWrite(this.landHistory);

    this.compactArchive = new SparkJob(this, 'CompactArchive', {
      ...common,
      name: 'compactArchive',
      description: 'Merges the archive into the Iceberg tables, each event once',
      // An object is written as long as the stream keeps its records, and a batch may lie over midnight.
      arguments: { entity_buckets, table_features, late_days: daysKept(deployment) + 1 },
    });
    features.grantReadTombstones(this.compactArchive);
    lake.grantRead(this.compactArchive, PREFIX.events, PREFIX.quarantine, PREFIX.predictions, PREFIX.failedBatches);
    lake.grantReadWrite(this.compactArchive, PREFIX.gaps);
    catalog.grantWrite(this.compactArchive);
    addGapAlarm(props);

    this.backfillStates = new SparkJob(this, 'BackfillStates', {
      ...common,
      name: 'backfillStates',
      description: 'Computes states from all events, with their watermarks, and opens the view',
      arguments: {
        table_features,
        stream_name: stream.stream.streamName,
        cutover_after_seconds: deployment.stage.processor.cutoverAfterSeconds,
        compact_job: this.compactArchive.job.jobName,
      },
    });
    catalog.grantQuery(this.backfillStates);
    features.grantBackfill(this.backfillStates);
    // Whether all that is archived was merged, and where shards have not begun.
    lake.grantList(this.backfillStates);
    stream.grantListShards(this.backfillStates);
    // Where a version cut over is known when it has: the archive is merged up to there then.
    this.compactArchive.grantRun(this.backfillStates);

    if (hasModel(deployment.useCase.ir)) {
      this.buildTrainingSet = new SparkJob(this, 'BuildTrainingSet', {
        ...common,
        name: 'buildTrainingSet',
        description: 'Joins labels and features as they were known at each instant',
        arguments: {},
      });
      catalog.grantWrite(this.buildTrainingSet);
      lake.grantReadWrite(this.buildTrainingSet, PREFIX.trainingSets);

      this.checkConsistency = new SparkJob(this, 'CheckConsistency', {
        ...common,
        name: 'checkConsistency',
        description: 'Replays served vectors offline and counts the differences',
        arguments: {},
      });
      catalog.grantQuery(this.checkConsistency);
      lake.grantRead(this.checkConsistency, PREFIX.predictions);
      lake.grantReadWrite(this.checkConsistency, PREFIX.checks);
      addMismatchAlarm(props);
    }

    this.eraseEntity = new SparkJob(this, 'EraseEntity', {
      ...common,
      name: 'eraseEntity',
      description: 'Takes entities with a tombstone out of every store of the lake',
      arguments: { table_features, settle_seconds: longestCall(deployment), run: WEEKLY },
    });
    catalog.grantWrite(this.eraseEntity);
    features.grantReadTombstones(this.eraseEntity);
    lake.grantPut(this.eraseEntity, PREFIX.tombstones);
    lake.grantErase(
      this.eraseEntity,
      PREFIX.history,
      PREFIX.events,
      PREFIX.quarantine,
      PREFIX.predictions,
      PREFIX.failedBatches,
      PREFIX.timeTravel,
      PREFIX.trainingSets,
      PREFIX.checks,
      PREFIX.warehouse,
    );

    this.featuresAt = new SparkJob(this, 'FeaturesAt', {
      ...common,
      name: 'featuresAt',
      description: 'Says what the features of an entity were at an instant, and why',
      arguments: {},
    });
    catalog.grantQuery(this.featuresAt);
    lake.grantReadWrite(this.featuresAt, PREFIX.timeTravel);

    this.healStates = new SparkJob(this, 'HealStates', {
      ...common,
      name: 'healStates',
      description: 'Compares states with their events, and writes anew those at odds',
      arguments: {
        table_features,
        repair: 'yes',
        parts: deployment.stage.batch.healingNights,
        // What the processor has not applied by then it has given up.
        stale_after_seconds: deployment.stage.processor.maxRecordAgeSeconds,
        clock: deployment.stage.clock,
      },
    });
    catalog.grantQuery(this.healStates);
    lake.grantRead(this.healStates, PREFIX.events);
    lake.grantPut(this.healStates, PREFIX.healing);
    features.grantHeal(this.healStates);
    addDivergenceAlarm(props);

    this.applyRetention = this.makeRetention(common);
    catalog.grantWrite(this.applyRetention);
    lake.grantList(this.applyRetention);
    this.maintainTables = new SparkJob(this, 'MaintainTables', {
      ...common,
      name: 'maintainTables',
      description: 'Joins small files of the Iceberg tables, and lets old snapshots go',
      arguments: {},
    });
    catalog.grantWrite(this.maintainTables);

    this.tellFailures(props);
    // A replay starts the jobs itself: its days pass in seconds.
    if (deployment.stage.clock === 'wall') {
      this.schedule('CompactHourly', this.compactArchive, 'cron(10 * * * ? *)', 'Merges the archive of the last hour');
      this.schedule(
        'CompactWeekly',
        this.compactArchive,
        'cron(40 5 ? * SUN *)',
        'Looks for late objects, and forgets',
        askedOf('compactArchive', { late_days: ARCHIVE_DAYS }),
      );
      if (this.checkConsistency) {
        const description = 'Replays the served vectors of the last day';
        this.schedule('CheckDaily', this.checkConsistency, 'cron(30 3 * * ? *)', description);
      }
      this.schedule('RetainNightly', this.applyRetention, 'cron(40 2 * * ? *)', 'Lets rows go that are too old');
      // Between two compactions, on the quietest day.
      this.schedule('MaintainWeekly', this.maintainTables, 'cron(25 6 ? * SUN *)', 'Takes care of the Iceberg tables');
      // A batch that was being retried during an erasure is written to the lake by Lambda itself, up to a day later.
      this.schedule(
        'EraseWeekly',
        this.eraseEntity,
        'cron(40 1 ? * SUN *)',
        'Erases what came late of erased entities',
      );
      // Soon after a compaction: states that have seen newer events wait for the next night.
      this.schedule('HealNightly', this.healStates, 'cron(25 4 * * ? *)', 'Heals states that differ from their events');
    }
  }

  private makeRetention(
    common: Pick<SparkJobProps<JobName>, 'deployment' | 'lake' | 'catalog' | 'sharedCode' | 'useCase'>,
  ) {
    const { eventsDays, quarantineDays, predictionsDays, trainingSetsDays } = common.deployment.stage.retention;
    return new SparkJob(this, 'ApplyRetention', {
      ...common,
      name: 'applyRetention',
      description: 'Lets rows go that are older than the stage keeps them',
      arguments: {
        events_days: eventsDays,
        quarantine_days: quarantineDays,
        predictions_days: predictionsDays,
        training_days: trainingSetsDays,
      },
    });
  }

  /** @param cron in UTC. @param args of the job, where they differ from its defaults */
  private schedule(
    id: string,
    { job }: SparkJob,
    cron: string,
    description: string,
    args?: Record<string, string>,
  ): void {
    new CfnTrigger(this, id, {
      type: 'SCHEDULED',
      description,
      schedule: cron,
      startOnCreation: true,
      actions: [{ jobName: job.jobName, ...(args && { arguments: args }) }],
    });
  }

  get all(): readonly SparkJob[] {
    return [
      this.landHistory,
      this.compactArchive,
      this.backfillStates,
      ...(this.buildTrainingSet ? [this.buildTrainingSet] : []),
      ...(this.checkConsistency ? [this.checkConsistency] : []),
      this.eraseEntity,
      this.featuresAt,
      this.healStates,
      this.applyRetention,
      this.maintainTables,
    ];
  }

  /**
   * Glue has no metric of a failed run, but an event. The topic lets rules in without a condition: "You can't use of Condition
   * blocks in Amazon SNS topic policies for EventBridge" (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html).
   */
  private tellFailures({ alarms, alarmTopic, key }: BatchJobsProps): void {
    const undelivered = deadLetterQueue(this, 'Undelivered', key);
    new Rule(this, 'JobFailed', {
      description: 'CRITICAL: a Glue job failed. Runbook: docs/runbook.md#glue-job-failed',
      eventPattern: {
        source: ['aws.glue'],
        detailType: ['Glue Job State Change'],
        detail: { jobName: this.all.map(({ job }) => job.jobName), state: ['FAILED', 'TIMEOUT', 'ERROR'] },
      },
      targets: [new SnsTopic(alarmTopic, { deadLetterQueue: undelivered })],
    });
    addDeadLetterAlarm(alarms, 'JobFailureRule', undelivered, 'The failure of a Glue job could not be told');
  }
}

/** One finding of a job is one too many. @param props the metric that it publishes of them */
function addFindingAlarm(
  alarms: AlarmRegistry,
  id: string,
  props: Pick<AlarmProps, 'sentence' | 'runbook' | 'metric'>,
) {
  alarms.add(id, {
    ...props,
    severity: 'warning',
    threshold: 1,
    comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    missing: QUIET,
  });
}

function addDivergenceAlarm({ alarms, deployment }: BatchJobsProps): void {
  addFindingAlarm(alarms, 'HealingDiverged', {
    sentence: 'States differed from what their events give, for no known cause: vectors served of them were wrong.',
    runbook: 'healing-diverged',
    metric: tidemarkMetric(deployment, SERVICE.healing, METRIC.healingDiverged, { period: Duration.days(1) }),
  });
}

/** Over two hours, in which a compaction of each hour has said so whenever it ended. */
function addGapAlarm({ alarms, deployment }: BatchJobsProps): void {
  addFindingAlarm(alarms, 'ArchiveGaps', {
    sentence:
      'The archive lacks batches that the archiver gave up: until they are back, no backfill ends and states there are not healed.',
    runbook: 'batches-given-up',
    metric: tidemarkMetric(deployment, SERVICE.compaction, METRIC.archiveGaps, {
      period: Duration.hours(2),
      statistic: Stats.MAXIMUM,
    }),
  });
}

function addMismatchAlarm({ alarms, deployment }: BatchJobsProps): void {
  addFindingAlarm(alarms, 'PredictionsMismatched', {
    sentence: 'Vectors that were served differ from their offline replay: training would learn from other values.',
    runbook: 'predictions-mismatched',
    metric: tidemarkMetric(deployment, SERVICE.consistency, METRIC.predictionsMismatched, { period: Duration.days(1) }),
  });
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
