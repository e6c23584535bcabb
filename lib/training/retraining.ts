import { Annotations, ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Policy, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression, ScheduleGroup, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/retraining/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { SERVICE } from '../../names/metrics.ts';
import { DRIFT_ALARM_PREFIX, type TrainingRequest } from '../../names/retraining.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OfflineCatalog } from '../feature-store/offline-catalog.ts';
import type { OnlineTable } from '../feature-store/tables.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { forOwnAccount } from '../foundation/own-account.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import type { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';

export interface RetrainingProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly lake: Lake;
  readonly catalog: OfflineCatalog;
  readonly features: OnlineTable;
}

/** What starts the training machine beside people, and the function that it asks whether there is something to learn. */
export class Retraining extends Construct {
  readonly fn: NodeFunction<Env>;
  private readonly props: RetrainingProps;

  constructor(scope: Construct, id: string, props: RetrainingProps) {
    super(scope, id);
    this.props = props;
    const { deployment, alarms, lake, catalog, features } = props;
    const { cooldownHours, minLabels } = deployment.stage.training.retrain;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.retraining,
      entry: 'retraining/handler.ts',
      description: 'Lets a training in, or says why not',
      memoryMiB: 256,
      timeoutSeconds: 30,
      invocation: { kind: 'synchronous' },
      environment: {
        FEATURES_TABLE: features.table.tableName,
        LAKE_BUCKET: lake.bucket.bucketName,
        DATABASE: catalog.database.databaseName,
        COOLDOWN_HOURS: String(cooldownHours),
        MIN_LABELS: String(minLabels),
      },
    });
    features.grantRememberTraining(this.fn);
    catalog.grantReadEvents(this.fn);
    lake.grantRead(this.fn, PREFIX.trainingSets);
    addErrorAlarm(alarms, 'Retraining', this.fn.function, 'No model is trained.');
  }

  /** Lets the function ask how executions of the machine ended, and starts it on schedule and by drift. */
  attach(machine: StateMachine): void {
    const { schedule, onDrift } = this.props.deployment.stage.training.retrain;
    this.grantAsk(machine);
    if (schedule !== undefined) this.startOnSchedule(machine, schedule);
    if (onDrift) this.startByDrift(machine);
  }

  /** A policy of its own: the machine names the function, which must not wait for it in turn. */
  private grantAsk(machine: StateMachine): void {
    const stack = Stack.of(this);
    const { stateMachineName } = machine;
    const policy = new Policy(this, 'AskExecutions', {
      roles: [this.fn.role],
      statements: [
        new PolicyStatement({
          actions: ['states:DescribeExecution'],
          resources: [
            stack.formatArn({
              service: 'states',
              resource: 'execution',
              resourceName: `${stateMachineName}:*`,
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          ],
        }),
      ],
    });
    explainWildcards(policy, {
      finding: /^Resource::arn:\S+:states:\S+:execution:\S+:\*$/,
      reason: 'Executions are named when they are started; the statement is limited to those of the one machine.',
    });
  }

  private startOnSchedule(machine: StateMachine, expression: string): void {
    const { deployment, alarms, key } = this.props;
    const { model } = deployment.useCase.ir;
    if (model && 'from' in model.test)
      Annotations.of(this).addWarningV2(
        'tidemark:schedule-of-fixed-instants',
        'training.retrain.schedule: found a model between fixed instants, which learns of the same days each time; let its slices move: train: { last: "180d", every: "14d" }.',
      );
    const undelivered = deadLetterQueue(this, 'UndeliveredSchedule', key);
    const caller = new Role(this, 'ScheduleRole', {
      assumedBy: forOwnAccount('scheduler'),
      description: 'Starts the training machine on schedule',
    });
    key.grantUse(caller);
    new Schedule(this, 'Schedule', {
      description: 'Trains the model again',
      schedule: ScheduleExpression.expression(expression),
      scheduleGroup: new ScheduleGroup(this, 'Schedules', { removalPolicy: removalPolicy(deployment.stage, true) }),
      target: new StepFunctionsStartExecution(machine, {
        role: caller,
        input: ScheduleTargetInput.fromObject({ by: 'schedule' } satisfies TrainingRequest),
        // Later than that the next one is as good.
        maxEventAge: Duration.hours(6),
        retryAttempts: 10,
        deadLetterQueue: undelivered,
      }),
    });
    addDeadLetterAlarm(alarms, 'RetrainingSchedule', undelivered, 'The schedule could not start a training');
  }

  /** CloudWatch tells each change of an alarm's state (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html). */
  private startByDrift(machine: StateMachine): void {
    const { alarms, key } = this.props;
    const undelivered = deadLetterQueue(this, 'UndeliveredDrift', key);
    new Rule(this, 'Drifted', {
      description: 'A model whose inputs or results drift is trained again',
      eventPattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: {
          alarmName: [{ prefix: `${alarms.prefix}${DRIFT_ALARM_PREFIX}` }],
          state: { value: ['ALARM'] },
        },
      },
      targets: [
        new SfnStateMachine(machine, {
          input: RuleTargetInput.fromObject({
            ...({ by: 'drift' } satisfies TrainingRequest),
            alarm: EventField.fromPath('$.detail.alarmName'),
          }),
          deadLetterQueue: undelivered,
        }),
      ],
    });
    addDeadLetterAlarm(alarms, 'RetrainingDrift', undelivered, 'An alarm on drift could not start a training');
  }
}
