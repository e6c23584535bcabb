import { DIMENSION, METRIC, METRIC_NAMESPACE, SERVICE } from '../../names/metrics.ts';
import { ROLLBACK_ALARM_PREFIX } from '../../names/rollback.ts';

/**
 * What rolls a new model back. The state machine makes these alarms for each deployment, on the new fleet alone: its
 * endpoint configuration has no name before (docs/adr/0011-rollback-alarms-per-deployment.md). What SageMaker does not
 * measure, scores themselves, the functions that ask do, by the version of the model that answered.
 */
export interface RollbackAlarm {
  /** PascalCase; the alarm is called `<stage>/<use case>/<name>-<run>`. */
  readonly name: string;
  readonly sentence: string;
  readonly watches: OneMetric | Shift;
  readonly threshold: number;
  readonly comparison: 'GreaterThanOrEqualToThreshold' | 'GreaterThanThreshold';
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
}

export interface OneMetric {
  readonly kind: 'fleet' | 'model';
  /** In AWS/SageMaker by the new fleet, or in our namespace by the new model. */
  readonly metric: string;
  readonly statistic: { readonly Statistic: 'Sum' } | { readonly ExtendedStatistic: string };
}

/** The mean of a metric of ours, of the new model's scores against all others' in the same minute. */
export interface Shift {
  readonly kind: 'shift';
  readonly metric: string;
}

const WINDOW = { periodSeconds: 60, evaluationPeriods: 5 } as const;
/** Fewer scores of either side in a minute say nothing. */
const FEWEST_SCORES = 30;
/** Standard errors beyond chance: three minutes of five by chance alone are one deployment in ten million. */
const DEVIATIONS = 3;

export const ROLLBACK_ALARMS: readonly RollbackAlarm[] = [
  {
    name: `${ROLLBACK_ALARM_PREFIX}Errors`,
    sentence: 'The new model answers with 5xx in two minutes of five: its deployment is rolled back.',
    watches: { kind: 'fleet', metric: 'Invocation5XXErrors', statistic: { Statistic: 'Sum' } },
    threshold: 1,
    comparison: 'GreaterThanOrEqualToThreshold',
    ...WINDOW,
    datapointsToAlarm: 2,
  },
  {
    name: `${ROLLBACK_ALARM_PREFIX}Latency`,
    sentence: 'The new model needs more than 500 ms (99th percentile) in three minutes of five: it is rolled back.',
    watches: { kind: 'fleet', metric: 'ModelLatency', statistic: { ExtendedStatistic: 'p99' } },
    // SageMaker reports microseconds.
    threshold: 500_000,
    comparison: 'GreaterThanThreshold',
    ...WINDOW,
    datapointsToAlarm: 3,
  },
  {
    // Not by 4xx: while a changed definition is on its way each fleet refuses what the other takes.
    name: `${ROLLBACK_ALARM_PREFIX}Refusals`,
    sentence: 'The new model is of a definition that nothing asks by, in two minutes of five: it is rolled back.',
    watches: { kind: 'model', metric: METRIC.definitionUnknown, statistic: { Statistic: 'Sum' } },
    threshold: 1,
    comparison: 'GreaterThanOrEqualToThreshold',
    ...WINDOW,
    datapointsToAlarm: 2,
  },
  {
    name: `${ROLLBACK_ALARM_PREFIX}Scores`,
    sentence: 'The new model gives scores that are no probabilities in two minutes of five: it is rolled back.',
    watches: { kind: 'model', metric: METRIC.scoresInvalid, statistic: { Statistic: 'Sum' } },
    threshold: 1,
    comparison: 'GreaterThanOrEqualToThreshold',
    ...WINDOW,
    datapointsToAlarm: 2,
  },
  {
    name: `${ROLLBACK_ALARM_PREFIX}Shift`,
    sentence: "The new model's mean score is far from the old one's in three minutes of five: it is rolled back.",
    watches: { kind: 'shift', metric: METRIC.score },
    threshold: 1,
    comparison: 'GreaterThanOrEqualToThreshold',
    ...WINDOW,
    datapointsToAlarm: 3,
  },
  {
    name: `${ROLLBACK_ALARM_PREFIX}Decisions`,
    sentence:
      "The new model puts another share of scores above the alerts' threshold than the old one in three minutes of five: it is rolled back.",
    watches: { kind: 'shift', metric: METRIC.scoreAboveThreshold },
    threshold: 1,
    comparison: 'GreaterThanOrEqualToThreshold',
    ...WINDOW,
    datapointsToAlarm: 3,
  },
];

/** Dimensions of what the functions measure of scores. @param model_version @default - of all models together */
export function scoreDimensions(
  of: { readonly stage: string; readonly useCase: string },
  model_version?: string,
): Array<{ Name: string; Value: string }> {
  return [
    { Name: DIMENSION.service, Value: SERVICE.model },
    { Name: DIMENSION.stage, Value: of.stage },
    { Name: DIMENSION.useCase, Value: of.useCase },
    ...(model_version === undefined ? [] : [{ Name: DIMENSION.modelVersion, Value: model_version }]),
  ];
}

/**
 * 1 in a minute in which the means are further apart than `most`, and than chance alone makes them; else 0. A score lies
 * between 0 and 1, so its variance is at most m(1-m). Both fleets take a random part of the same requests.
 * @param model_version of the new model, as its answers name it
 */
export function shiftQueries(
  { metric }: Shift,
  of: { readonly stage: string; readonly useCase: string; readonly most: number; readonly periodSeconds: number },
  model_version: string,
): object[] {
  const query = (Id: string, Stat: string, Dimensions: object[]) => ({
    Id,
    MetricStat: {
      Metric: { Namespace: METRIC_NAMESPACE, MetricName: metric, Dimensions },
      Period: of.periodSeconds,
      Stat,
    },
    ReturnData: false,
  });
  const [everything, own] = [scoreDimensions(of), scoreDimensions(of, model_version)];
  const others = '(n_all - n_new)';
  const distance = `ABS(m_new - (m_all * n_all - m_new * n_new) / ${others})`;
  const error = `SQRT(m_all * (1 - m_all) * (1 / n_new + 1 / ${others}))`;
  const enough = `n_new >= ${FEWEST_SCORES} AND ${others} >= ${FEWEST_SCORES}`;
  return [
    query('m_all', 'Average', everything),
    query('n_all', 'SampleCount', everything),
    query('m_new', 'Average', own),
    query('n_new', 'SampleCount', own),
    {
      Id: 'shifted',
      Expression: `IF(${enough} AND ${distance} > ${of.most} AND ${distance} > ${DEVIATIONS} * ${error}, 1, 0)`,
      Label: `The new model's ${metric} against the others'`,
      ReturnData: true,
    },
  ];
}

/** Metrics of a minute are there up to two minutes later, and an alarm is evaluated once a minute. */
const DELIVERY_SECONDS = 180;

/** The shortest bake (s) in which each of these alarms can see its whole window. */
export const SHORTEST_BAKE_SECONDS =
  Math.max(...ROLLBACK_ALARMS.map(({ periodSeconds, evaluationPeriods }) => periodSeconds * evaluationPeriods)) +
  DELIVERY_SECONDS;
