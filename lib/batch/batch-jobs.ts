import { fileURLToPath } from 'node:url';
import { IgnoreMode } from 'aws-cdk-lib';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { CfnTrigger } from 'aws-cdk-lib/aws-glue';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { hasModel } from '../../core/ir/parts.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import { JOBS, type JobContext, type JobId, type JobSpec } from './jobs.ts';
import { SparkJob } from './spark-job.ts';

export interface BatchJobsProps extends Omit<JobContext, 'job'> {
  readonly alarms: AlarmRegistry;
  readonly alarmTopic: ITopic;
  readonly key: DataKey;
  readonly useCase: CodeAsset;
}

/** The Spark side: history in, archive into Iceberg, states out, training sets, and the check of both engines. */
export class BatchJobs extends Construct {
  private readonly made = new Map<JobId, SparkJob>();

  constructor(scope: Construct, id: string, props: BatchJobsProps) {
    super(scope, id);
    const { deployment, lake, catalog, useCase } = props;
    const sharedCode = new CodeAsset(this, 'SharedCode', {
      path: fileURLToPath(new URL('../../glue-scripts', import.meta.url)),
      // Only the package, at the root of the zip, is what --extra-py-files wants.
      exclude: ['/*', '!/tidemark_spark', '__pycache__', '*.pyc'],
      ignoreMode: IgnoreMode.GIT,
    });
    const context = { ...props, job: (name: JobId) => this.get(name) };
    const specs = (Object.entries(JOBS) as [JobId, JobSpec][]).filter(
      ([, { needs }]) => needs === undefined || hasModel(deployment.useCase.ir),
    );
    for (const [name, { script, description, metrics, arguments: own, grant }] of specs) {
      const job = new SparkJob(this, name, {
        ...{ deployment, lake, catalog, sharedCode, useCase, script, description, metrics },
        arguments: own?.(context),
      });
      this.made.set(name, job);
      grant(job, context);
    }
    for (const [, spec] of specs) addFindingAlarm(props, spec);
    this.tellFailures(props);
    // A replay starts the jobs itself: its days pass in seconds.
    if (deployment.stage.clock === 'wall') for (const [name, spec] of specs) this.schedule(name, spec);
  }

  /** @throws RangeError for a job that this use case does not have */
  get(id: JobId): SparkJob {
    const job = this.made.get(id);
    if (job === undefined) throw new RangeError(`${id}: no such job; there are ${[...this.made.keys()].join(', ')}`);
    return job;
  }

  /** In the order in which they were made. */
  get all(): readonly (readonly [JobId, SparkJob])[] {
    return [...this.made];
  }

  private schedule(id: JobId, { schedules = {} }: JobSpec): void {
    const { jobName } = this.get(id).job;
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

function addFindingAlarm({ alarms, deployment }: BatchJobsProps, { finding, metrics }: JobSpec): void {
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
