import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC, SERVICE, type Service } from '../../names/metrics.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';

/** What counts drift, by the word for it. Jobs that import tables give on what they read, and the processor judges it. */
const WATCHED: Readonly<Record<string, Service>> = {
  Http: SERVICE.intakeHttp,
  Bus: SERVICE.intakeEvent,
  Streamed: SERVICE.intakeStream,
  File: SERVICE.intakeFiles,
};

/** An alarm for all sources that come alike: which of them it is, the metric's dimension `source` says. @param services that are deployed */
export function addDriftAlarms(alarms: AlarmRegistry, deployment: Deployment, services: readonly Service[]): void {
  for (const [word, service] of Object.entries(WATCHED)) {
    if (!services.includes(service)) continue;
    alarms.add(`${word}SourceDrift`, {
      severity: 'warning',
      sentence:
        'A source sends something else than its map looks for (lost or retyped fields, items or API versions that were not there before): its provider changed the format.',
      runbook: 'schema-drift',
      metric: tidemarkMetric(deployment, service, METRIC.driftFields, { period: Duration.minutes(15) }),
      threshold: deployment.stage.alarms.driftFields,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      missing: QUIET,
    });
  }
}
