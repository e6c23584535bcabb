import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { METRIC, type MetricName, SERVICE } from '../../names/metrics.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { QUIET } from '../monitoring/alarm-registry.ts';
import { addErrorAlarm } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import type { SourceProps } from './intake-source.ts';

const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD, LESS_THAN_THRESHOLD } = ComparisonOperator;
const MINUTE = Duration.minutes(1);
const QUARTER = Duration.minutes(15);
const HOUR = Duration.hours(1);
/** Requests turned away in a quarter of an hour that are more than somebody's try. */
const MANY = 20;

/** Requests that fail, that are turned away, that are too many; items that can't be used; and silence. */
export function addHttpSourceAlarms({ deployment, alarms, source }: SourceProps, fn: IFunction): void {
  const { name } = source;
  const { quarantinedRecords } = deployment.stage.alarms;
  const alarm = `${pascalCase(name)}Http`;
  const counted = (metric: MetricName, period: Duration) =>
    tidemarkMetric(deployment, SERVICE.intakeHttp, metric, { period, source: name });
  const inThreeOfFive = {
    threshold: 1,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 5,
    datapointsToAlarm: 3,
    missing: QUIET,
  };
  addErrorAlarm(alarms, alarm, fn, 'Its senders are answered with 5xx, and send again until they give up.');
  alarms.add(`${alarm}Unanswered`, {
    severity: 'critical',
    sentence: `Requests of ${name} are answered with 503 in three minutes of five; their senders keep them until they give up.`,
    runbook: 'source-unanswered',
    metric: counted(METRIC.intakeUnanswered, MINUTE),
    ...inThreeOfFive,
  });
  alarms.add(`${alarm}Throttled`, {
    severity: 'warning',
    sentence: `Requests of ${name} find its function busy in three minutes of five, and are answered with 503.`,
    runbook: 'source-unanswered',
    metric: fn.metricThrottles({ period: MINUTE }),
    ...inThreeOfFive,
  });
  alarms.add(`${alarm}TurnedAway`, {
    severity: 'warning',
    sentence: `At least ${MANY} requests of ${name} are answered with 4xx in each of two quarters of an hour; nothing is kept of these here.`,
    runbook: 'source-turned-away',
    metric: counted(METRIC.intakeTurnedAway, QUARTER),
    threshold: MANY,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 2,
    missing: QUIET,
  });
  alarms.add(`${alarm}Refused`, {
    severity: 'warning',
    sentence: `At least ${quarantinedRecords} items of ${name} can not be read or mapped in a quarter of an hour, and lie in the quarantine.`,
    runbook: 'source-refused',
    metric: counted(METRIC.intakeRefused, QUARTER),
    threshold: quarantinedRecords,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    missing: QUIET,
  });
  const { silenceHours } = deployment.stage.intake;
  if (silenceHours === 0) return;
  alarms.add(`${alarm}Silent`, {
    severity: 'warning',
    sentence: `Nothing has come from ${name} for ${silenceHours} h.`,
    runbook: 'source-silent',
    metric: counted(METRIC.intakeReceived, HOUR),
    threshold: 1,
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: silenceHours,
    missing: {
      treat: TreatMissingData.BREACHING,
      because: 'the function counts requests only when there are any, so no data is the silence that is meant',
    },
  });
}
