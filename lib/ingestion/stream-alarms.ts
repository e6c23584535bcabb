import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import type { EventStream } from './event-stream.ts';

/** Producers that are turned away: what they do not send again is lost before we see it. */
export function addWriteThrottleAlarm(alarms: AlarmRegistry, { stream }: EventStream): void {
  alarms.add('IngestThrottled', {
    severity: 'warning',
    sentence:
      'The stream turned records of producers away in three minutes of five: it has too few shards or one key is hot.',
    runbook: 'stream-lag',
    metric: stream.metric('WriteProvisionedThroughputExceeded', { statistic: Stats.SUM, period: Duration.minutes(1) }),
    threshold: 1,
    comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 5,
    datapointsToAlarm: 3,
    missing: QUIET,
  });
}
