import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC, SERVICE, type Service } from '../../names/metrics.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';

const PERIOD = Duration.minutes(15);
/** What counts drift. Jobs that import tables give on what they read, and the processor judges it. */
const WATCHED: readonly Service[] = [
  SERVICE.intakeHttp,
  SERVICE.intakeEvent,
  SERVICE.intakeStream,
  SERVICE.intakeFiles,
];

/** One alarm for all sources: which of them it is, the metric's dimension `source` says. @param services that are deployed */
export function addDriftAlarm(alarms: AlarmRegistry, deployment: Deployment, services: readonly Service[]): void {
  const deployed = WATCHED.filter((service) => services.includes(service));
  if (deployed.length === 0) return;
  alarms.add('SourceDrift', {
    severity: 'warning',
    sentence:
      'Sources send something else than their maps look for (lost or retyped fields, items or API versions that were not there before): a provider changed its format.',
    runbook: 'schema-drift',
    metric: sumOf(
      deployed.map((service) => tidemarkMetric(deployment, service, METRIC.driftFields, { period: PERIOD })),
    ),
    threshold: deployment.stage.alarms.driftFields,
    comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    missing: QUIET,
  });
}

/** A source that sends nothing has no data, and takes none away from the others. */
function sumOf(metrics: readonly IMetric[]): IMetric {
  if (metrics.length === 1) return metrics[0]!;
  const usingMetrics = Object.fromEntries(metrics.map((metric, i) => [`m${i}`, metric]));
  const expression = Object.keys(usingMetrics)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');
  return new MathExpression({ expression, usingMetrics, period: PERIOD, label: METRIC.driftFields });
}
