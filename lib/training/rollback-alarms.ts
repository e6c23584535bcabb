/**
 * What rolls a new model back. The state machine makes these alarms for each deployment, on the new fleet alone: its
 * endpoint configuration has no name before (docs/adr/0011-rollback-alarms-per-deployment.md).
 */
export interface RollbackAlarm {
  /** PascalCase; the alarm is called `<stage>/<use case>/<name>-<run>`. */
  readonly name: string;
  readonly sentence: string;
  /** In AWS/SageMaker. */
  readonly metric: string;
  readonly statistic: { readonly Statistic: 'Sum' } | { readonly ExtendedStatistic: string };
  readonly threshold: number;
  readonly comparison: 'GreaterThanOrEqualToThreshold' | 'GreaterThanThreshold';
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
}

/** Beginning of all names, so that roles and the tear-down can name these alarms and no others. */
export const ROLLBACK_ALARM_PREFIX = 'Canary';

export const ROLLBACK_ALARMS: readonly RollbackAlarm[] = [
  {
    name: `${ROLLBACK_ALARM_PREFIX}Errors`,
    sentence: 'The new model answers with 5xx in two minutes of five: its deployment is rolled back.',
    metric: 'Invocation5XXErrors',
    statistic: { Statistic: 'Sum' },
    threshold: 1,
    comparison: 'GreaterThanOrEqualToThreshold',
    periodSeconds: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 2,
  },
  {
    name: `${ROLLBACK_ALARM_PREFIX}Latency`,
    sentence: 'The new model needs more than 500 ms (99th percentile) in three minutes of five: it is rolled back.',
    metric: 'ModelLatency',
    statistic: { ExtendedStatistic: 'p99' },
    // SageMaker reports microseconds.
    threshold: 500_000,
    comparison: 'GreaterThanThreshold',
    periodSeconds: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 3,
  },
];

/** Metrics of a minute are there up to two minutes later, and an alarm is evaluated once a minute. */
const DELIVERY_SECONDS = 180;

/** The shortest bake (s) in which each of these alarms can see its whole window. */
export const SHORTEST_BAKE_SECONDS =
  Math.max(...ROLLBACK_ALARMS.map(({ periodSeconds, evaluationPeriods }) => periodSeconds * evaluationPeriods)) +
  DELIVERY_SECONDS;
