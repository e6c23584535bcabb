import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StageConfig } from '../config/stage-config.ts';
import { type AlarmRegistry, QUIET } from './alarm-registry.ts';

const { GREATER_THAN_THRESHOLD, GREATER_THAN_OR_EQUAL_TO_THRESHOLD } = ComparisonOperator;

export interface StreamAlarmProps {
  readonly function: IFunction;
  /** Id of the event source mapping. */
  readonly mapping: string;
  readonly stage: StageConfig;
  /** What waits or is lost, e.g. `events are not counted in the features`. */
  readonly consequence: string;
}

/** Lag (warning and critical), errors, and batches given up of a function that reads a stream. */
export function addStreamAlarms(alarms: AlarmRegistry, name: string, props: StreamAlarmProps): void {
  const { lagWarningSeconds, lagCriticalSeconds } = props.stage.alarms;
  const age = props.function.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: Duration.minutes(1) });
  const missing = {
    treat: TreatMissingData.NOT_BREACHING,
    because: 'Lambda reports the age only when it reads records, and an empty stream has no lag',
  };
  alarms.add(`${name}LagWarning`, {
    severity: 'warning',
    sentence: `${name} is more than ${lagWarningSeconds} s behind its stream for 5 minutes, so ${props.consequence} in time.`,
    runbook: 'stream-lag',
    metric: age,
    threshold: lagWarningSeconds * 1000,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 5,
    missing,
  });
  alarms.add(`${name}LagCritical`, {
    severity: 'critical',
    sentence: `${name} is more than ${lagCriticalSeconds} s behind its stream; records older than its limit are given up.`,
    runbook: 'stream-lag',
    metric: age,
    threshold: lagCriticalSeconds * 1000,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 2,
    missing,
  });
  addErrorAlarm(alarms, name, props.function, 'Its batches are retried, so nothing is lost yet.');
  addGaveUpAlarm(alarms, name, props.mapping, props.consequence);
}

/** Records that a mapping gave up. @param mapping its id. @param consequence as of StreamAlarmProps */
export function addGaveUpAlarm(alarms: AlarmRegistry, name: string, mapping: string, consequence: string): void {
  alarms.add(`${name}GaveUp`, {
    severity: 'critical',
    sentence: `${name} gave up on records and put them into the lake under aws/lambda/, so ${consequence} until they are re-driven.`,
    runbook: 'batches-given-up',
    metric: new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'OnFailureDestinationDeliveredEventCount',
      dimensionsMap: { EventSourceMappingUUID: mapping },
      statistic: Stats.SUM,
      period: Duration.minutes(5),
    }),
    threshold: 1,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    missing: QUIET,
  });
}

/** A function that fails in three minutes of five. */
export function addErrorAlarm(alarms: AlarmRegistry, name: string, fn: IFunction, consequence: string): void {
  alarms.add(`${name}Errors`, {
    severity: 'warning',
    sentence: `${name} fails in three minutes of five. ${consequence}`,
    runbook: 'function-errors',
    metric: fn.metricErrors({ period: Duration.minutes(1) }),
    threshold: 1,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 5,
    datapointsToAlarm: 3,
    missing: QUIET,
  });
}

/** Anything in a dead-letter queue. */
export function addDeadLetterAlarm(alarms: AlarmRegistry, name: string, queue: IQueue, lost: string): void {
  alarms.add(`${name}DeadLetters`, {
    severity: 'critical',
    sentence: `${lost}; what failed waits in the dead-letter queue of ${name}.`,
    runbook: 'dead-letters',
    metric: queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: Duration.minutes(1) }),
    threshold: 1,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    missing: {
      treat: TreatMissingData.NOT_BREACHING,
      because: 'SQS reports nothing for a queue that is not used for hours',
    },
  });
}
