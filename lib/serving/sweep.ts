import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Role } from 'aws-cdk-lib/aws-iam';
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
} from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/sweep/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OnlineTable, ScoreTable } from '../feature-store/tables.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { forOwnAccount } from '../foundation/own-account.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import type { EventStream } from '../ingestion/event-stream.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import type { ServedModel } from './in-process-model.ts';
import { recordingVariables } from './scoring-variables.ts';

export interface SweepProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly stream: EventStream;
  readonly features: OnlineTable;
  readonly scores: ScoreTable;
  readonly lake: Lake;
  readonly endpoint: ServedModel;
}

/** Silence sends no event: a schedule looks at every entity once a day, a slice of them in each run. */
export class Sweep extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: SweepProps) {
    super(scope, id);
    const { deployment, alarms, key, features, scores, lake, endpoint } = props;
    const config = deployment.stage.sweep;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.sweep,
      entry: 'sweep/handler.ts',
      description: 'Scores entities that fell silent',
      memoryMiB: config.memoryMiB,
      timeoutSeconds: config.timeoutSeconds,
      invocation: { kind: 'asynchronous', key },
      environment: {
        ...recordingVariables(props),
        SWEEP_SEGMENTS: String(config.segments),
        SWEEP_EVERY_MINUTES: String(config.everyMinutes),
      },
    });
    features.grantScan(this.fn);
    features.grantReadTombstones(this.fn);
    scores.grantRecord(this.fn);
    lake.grantPut(this.fn, PREFIX.predictions, PREFIX.exposures);
    endpoint.grantScore(this.fn);

    const undelivered = deadLetterQueue(this, 'Undelivered', key);
    const caller = new Role(this, 'ScheduleRole', {
      assumedBy: forOwnAccount('scheduler'),
      description: 'Invokes the sweep on schedule',
    });
    key.grantUse(caller);
    new Schedule(this, 'Schedule', {
      description: 'Looks for silent customers',
      schedule: ScheduleExpression.rate(Duration.minutes(config.everyMinutes)),
      scheduleGroup: new ScheduleGroup(this, 'Schedules', { removalPolicy: removalPolicy(deployment.stage, true) }),
      enabled: config.scheduled,
      target: new LambdaInvoke(this.fn.function, {
        role: caller,
        // Which slice of the customers it looks at: also where it comes late, or again.
        input: ScheduleTargetInput.fromObject({ scheduled: ContextAttribute.scheduledTime }),
        // What a run leaves undone, the next one takes up: an hour-old invocation is worth nothing.
        maxEventAge: Duration.minutes(Math.min(60, Math.max(1, config.everyMinutes))),
        retryAttempts: 2,
        deadLetterQueue: undelivered,
      }),
    });
    explainWildcards(caller, {
      finding: /^Resource::<SweepFn\S+\.Arn>:\*$/,
      reason: 'The Scheduler target grants all versions of the one sweep function.',
    });

    addErrorAlarm(alarms, 'Sweep', this.fn.function, 'Silent customers are not scored.');
    addDeadLetterAlarm(alarms, 'Sweep', this.fn.deadLetters ?? undelivered, 'A sweep failed to the end');
    addDeadLetterAlarm(alarms, 'SweepSchedule', undelivered, 'The schedule could not invoke the sweep');
    if (config.scheduled) {
      this.addMissingAlarm(props);
      this.addIncompleteAlarm(props);
    }
  }

  /** What one run leaves, the next one takes up: only runs that fall behind again and again leave anybody unseen. */
  private addIncompleteAlarm({ deployment, alarms }: SweepProps): void {
    alarms.add('SweepIncomplete', {
      severity: 'warning',
      sentence: 'Three sweeps one after another had no time for all their customers: silent ones are found late.',
      runbook: 'sweep-incomplete',
      metric: tidemarkMetric(deployment, SERVICE.sweep, METRIC.sweepIncomplete, {
        period: Duration.minutes(deployment.stage.sweep.everyMinutes),
        statistic: Stats.MAXIMUM,
      }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 3,
      missing: QUIET,
    });
  }

  /**
   * Without data a schedule that stopped looks as one that has not begun. The stream tells them apart: its mapping reads it
   * from the deployment on, whether there are events or not. Three intervals, so that the first sweep has come by then.
   */
  private addMissingAlarm({ deployment, alarms, stream }: SweepProps): void {
    const period = Duration.minutes(deployment.stage.sweep.everyMinutes);
    alarms.addWhileAll(
      'SweepMissing',
      {
        severity: 'critical',
        sentence: 'No sweep ran in two intervals, so customers who fell silent are not found.',
        runbook: 'sweep-missing',
      },
      {
        NoSweep: {
          metric: this.fn.function.metricInvocations({ period }),
          threshold: 1,
          comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
          evaluationPeriods: 2,
          missing: {
            treat: TreatMissingData.BREACHING,
            because: 'a schedule that stopped invokes nothing, and so reports nothing',
          },
        },
        StreamRead: {
          metric: stream.stream.metric('GetRecords.IteratorAgeMilliseconds', { statistic: Stats.MAXIMUM, period }),
          threshold: 0,
          comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          evaluationPeriods: 3,
          missing: {
            treat: TreatMissingData.NOT_BREACHING,
            because: 'the stream is read from the deployment on: before it there is nothing to miss',
          },
        },
      },
    );
  }
}
