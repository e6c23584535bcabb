import type { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { DIMENSION, METRIC_NAMESPACE, type MetricName, type Service } from '../../names/metrics.ts';
import type { Deployment } from '../foundation/deployment.ts';

export interface TidemarkMetricProps {
  readonly period: Duration;
  /** @default - Sum */
  readonly statistic?: string;
  /** Only records quarantined for this reason. @default - all */
  readonly reason?: string;
  /** Of a source's function, which counts by its source alone. @default - not of one */
  readonly source?: string;
  readonly label?: string;
}

/** Of every metric of ours. */
export function dimensionsOf({ stage, useCase }: Deployment, service: Service): Record<string, string> {
  return {
    [DIMENSION.service]: service,
    [DIMENSION.stage]: stage.stage,
    [DIMENSION.useCase]: useCase.ir.name,
  };
}

/** A metric that one of our functions (EMF) or jobs (API) emits, with exactly the dimensions it emits. */
export function tidemarkMetric(
  deployment: Deployment,
  service: Service,
  name: MetricName,
  props: TidemarkMetricProps,
): Metric {
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: name,
    dimensionsMap: {
      ...dimensionsOf(deployment, service),
      ...(props.reason === undefined ? {} : { [DIMENSION.reason]: props.reason }),
      ...(props.source === undefined ? {} : { [DIMENSION.source]: props.source }),
    },
    statistic: props.statistic ?? Stats.SUM,
    period: props.period,
    label: props.label,
  });
}
