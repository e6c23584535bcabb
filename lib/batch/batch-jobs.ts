import { fileURLToPath } from 'node:url';
import { IgnoreMode } from 'aws-cdk-lib';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { CfnTrigger } from 'aws-cdk-lib/aws-glue';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { hasModel } from '../../core/ir/parts.ts';
import { JOBS, type JobName, type JobShape } from '../../names/jobs.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import { BATCH_JOBS, type JobContext, type JobSpec } from './jobs.ts';
import { SparkJob } from './spark-job.ts';

export interface BatchJobsProps extends Omit<JobContext, 'job'> {
  readonly alarms: AlarmRegistry;
  readonly alarmTopic: ITopic;
  readonly key: DataKey;
  readonly useCase: CodeAsset;
}

/** The Spark side: history in, archive into Iceberg, states out, training sets, and the check of both engines. */
export class BatchJobs extends Construct {
  private readonly made = new Map<JobName, SparkJob>();

  constructor(scope: Construct, id: string, props: BatchJobsProps) {
    super(scope, id);
    const { deployment, lake, catalog, useCase } = props;
    const sharedCode = new CodeAsset(this, 'SharedCode', {
      path: fileURLToPath(new URL('../../glue-scripts', import.meta.url)),
      // Only the package, at the root of the zip, is what --extra-py-files wants.
      exclude: ['/*', '!/tidemark_spark', '__pycache__', '*.pyc'],
      ignoreMode: IgnoreMode.GIT,
    });
    const context = { ...props, job: (name: JobName) => this.get(name) };
    const specs = (Object.entries(BATCH_JOBS) as [JobName, JobSpec<JobName>][]).filter(
      ([, { needs }]) => needs === undefined || hasModel(deployment.useCase.ir),
    );
    for (const [name, { description, arguments: told, grant }] of specs) {
      const common = { deployment, lake, catalog, sharedCode, useCase };
      const job = new SparkJob(this, idOf(name), { ...common, name, description, arguments: told(context) });
      this.made.set(name, job);
      grant(job, context);
    }
    for (const [name, spec] of specs) addFindingAlarm(props, name, spec);
    this.tellFailures(props);
    // A replay starts the jobs itself: its days pass in seconds.
    if (deployment.stage.clock === 'wall') for (const [name, spec] of specs) this.schedule(name, spec);
  }

  /** @throws RangeError for a job that this use case does not have */
  get(name: JobName): SparkJob {
    const job = this.made.get(name);
    if (job === undefined) throw new RangeError(`${name}: no such job; there are ${[...this.made.keys()].join(', ')}`);
    return job;
  }

  /** In the order in which they were made. */
  get all(): readonly (readonly [JobName, SparkJob])[] {
    return [...this.made];
  }

  private schedule(job: JobName, { schedules = {} }: JobSpec<JobName>): void {
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
        detail: { jobName: this.all.map(([, { job }]) => job.jobName), state: ['FAILED', 'TIMEOUT', 'ERROR'] },
      },
      targets: [new SnsTopic(alarmTopic, { deadLetterQueue: undelivered })],
    });
    addDeadLetterAlarm(alarms, 'JobFailureRule', undelivered, 'The failure of a Glue job could not be told');
  }
}

/** `LandHistory` of landHistory. */
const idOf = (name: JobName): string => `${name[0]!.toUpperCase()}${name.slice(1)}`;

function addFindingAlarm({ alarms, deployment }: BatchJobsProps, name: JobName, { finding }: JobSpec<JobName>): void {
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
