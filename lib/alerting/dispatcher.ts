import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression, ScheduleGroup, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/dispatcher/env.ts';
import { SERVICE } from '../../names/metrics.ts';
import type { OnlineTable, ScoreTable } from '../feature-store/tables.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { forOwnAccount } from '../foundation/own-account.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import type { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';

export interface DispatcherProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly features: OnlineTable;
  readonly scores: ScoreTable;
}

/** Alerts that wait get their turn on a schedule: the best first, as many as the day takes, nobody at night. */
export class Dispatcher extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: DispatcherProps) {
    super(scope, id);
    const { deployment, alarms, key, features, scores } = props;
    const config = deployment.stage.dispatcher;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.dispatcher,
      entry: 'dispatcher/handler.ts',
      description: 'Releases alerts that wait, by expected value and capacity',
      memoryMiB: config.memoryMiB,
      timeoutSeconds: config.timeoutSeconds,
      invocation: { kind: 'asynchronous', key },
      environment: {
        FEATURES_TABLE: features.table.tableName,
        SCORES_TABLE: scores.table.tableName,
        SCORES_KEPT_DAYS: String(deployment.stage.retention.scoresDays),
      },
    });
    // The clock of a replay alone.
    features.grantRead(this.fn);
    scores.grantDispatch(this.fn);
    const undelivered = deadLetterQueue(this, 'Undelivered', key);
    this.addSchedule(props, undelivered);
    addErrorAlarm(alarms, 'Dispatcher', this.fn.function, 'Alerts that wait for their turn are late.');
    addDeadLetterAlarm(
      alarms,
      'Dispatcher',
      this.fn.deadLetters ?? undelivered,
      'A run of the dispatcher failed to the end',
    );
    if (config.scheduled) this.addMissingAlarm(props);
  }

  private addMissingAlarm({ alarms, deployment }: DispatcherProps): void {
    const { everyMinutes } = deployment.stage.dispatcher;
    alarms.add('DispatcherMissing', {
      severity: 'critical',
      sentence: 'The dispatcher did not run in an hour, so alerts wait and nobody is told.',
      runbook: 'dispatcher-missing',
      metric: this.fn.function.metricInvocations({
        period: Duration.hours(Math.max(1, Math.ceil(everyMinutes / 30))),
      }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 1,
      missing: {
        treat: TreatMissingData.BREACHING,
        because: 'a schedule that stopped invokes nothing, and so reports nothing',
      },
    });
  }

  private addSchedule(
    { deployment: { stage }, key }: DispatcherProps,
    deadLetters: ReturnType<typeof deadLetterQueue>,
  ): void {
    const { everyMinutes, scheduled } = stage.dispatcher;
    const caller = new Role(this, 'ScheduleRole', {
      assumedBy: forOwnAccount('scheduler'),
      description: 'Invokes the dispatcher on schedule',
    });
    key.grantUse(caller);
    new Schedule(this, 'Schedule', {
      description: 'Gives alerts that wait their turn',
      schedule: ScheduleExpression.rate(Duration.minutes(everyMinutes)),
      scheduleGroup: new ScheduleGroup(this, 'Schedules', { removalPolicy: removalPolicy(stage, true) }),
      enabled: scheduled,
      target: new LambdaInvoke(this.fn.function, {
        role: caller,
        input: ScheduleTargetInput.fromObject({}),
        // The next run looks at all that wait again.
        maxEventAge: Duration.minutes(Math.min(60, Math.max(1, everyMinutes))),
        retryAttempts: 2,
        deadLetterQueue: deadLetters,
      }),
    });
    explainWildcards(caller, {
      finding: /^Resource::<DispatcherFn\S+\.Arn>:\*$/,
      reason: 'The Scheduler target grants all versions of the one dispatcher function.',
    });
  }
}
