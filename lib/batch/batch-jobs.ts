import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnTrigger } from 'aws-cdk-lib/aws-glue';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { hasModel } from '../../core/ir/parts.ts';
import { type BatchJobName, JOBS, type JobShape } from '../../names/jobs.ts';
import type { CodeAsset } from '../foundation/code-asset.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import { tellFailures } from './job-failures.ts';
import { BATCH_JOBS, type JobContext, type JobSpec } from './jobs.ts';
import { SparkJob, sharedSparkCode } from './spark-job.ts';

export interface BatchJobsProps extends Omit<JobContext, 'job'> {
  readonly alarms: AlarmRegistry;
  readonly alarmTopic: ITopic;
  readonly key: DataKey;
  readonly useCase: CodeAsset;
}

/** The Spark side: history in, archive into Iceberg, states out, training sets, and the check of both engines. */
export class BatchJobs extends Construct {
  private readonly made = new Map<BatchJobName, SparkJob>();

  constructor(scope: Construct, id: string, props: BatchJobsProps) {
    super(scope, id);
    const { deployment, lake, catalog, useCase } = props;
    const sharedCode = sharedSparkCode(this);
    const context = { ...props, job: (name: BatchJobName) => this.get(name) };
    const specs = (Object.entries(BATCH_JOBS) as [BatchJobName, JobSpec<BatchJobName>][]).filter(
      ([, { needs }]) => needs === undefined || hasModel(deployment.useCase.ir),
    );
    for (const [name, { description, arguments: told, grant }] of specs) {
      const common = { deployment, lake, catalog, sharedCode, useCase };
      const job = new SparkJob(this, idOf(name), { ...common, name, description, arguments: told(context) });
      this.made.set(name, job);
      grant(job, context);
    }
    for (const [name, spec] of specs) addFindingAlarm(props, name, spec);
    tellFailures(
      this,
      props,
      this.all.map(([, { job }]) => job.jobName),
      'JobFailureRule',
    );
    // A replay starts the jobs itself: its days pass in seconds.
    if (deployment.stage.clock === 'wall') for (const [name, spec] of specs) this.schedule(name, spec);
  }

  /** @throws RangeError for a job that this use case does not have */
  get(name: BatchJobName): SparkJob {
    const job = this.made.get(name);
    if (job === undefined) throw new RangeError(`${name}: no such job; there are ${[...this.made.keys()].join(', ')}`);
    return job;
  }

  /** In the order in which they were made. */
  get all(): readonly (readonly [BatchJobName, SparkJob])[] {
    return [...this.made];
  }

  private schedule(job: BatchJobName, { schedules = {} }: JobSpec<BatchJobName>): void {
    const { jobName } = this.get(job).job;
    for (const [name, { cron, what, arguments: own }] of Object.entries(schedules))
      new CfnTrigger(this, name, {
        type: 'SCHEDULED',
        description: what,
        schedule: cron,
        startOnCreation: true,
        actions: [{ jobName, ...(own && { arguments: own }) }],
      });
  }
}

/** `LandHistory` of landHistory. */
const idOf = (name: BatchJobName): string => `${name[0]!.toUpperCase()}${name.slice(1)}`;

function addFindingAlarm(
  { alarms, deployment }: BatchJobsProps,
  name: BatchJobName,
  { finding }: JobSpec<BatchJobName>,
): void {
  const { metrics }: JobShape = JOBS[name];
  if (finding === undefined || metrics === undefined) return;
  const { alarm, sentence, runbook, metric, period, statistic } = finding;
  alarms.add(alarm, {
    severity: 'warning',
    sentence,
    runbook,
    metric: tidemarkMetric(deployment, metrics.service, metric, { period, statistic }),
    threshold: 1,
    comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    missing: QUIET,
  });
}
