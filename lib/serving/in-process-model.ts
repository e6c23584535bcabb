import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { PREFIX } from '../../names/lake.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';

/** Where the model is that functions ask. */
export interface ServedModel {
  /** What a function is told of it. */
  readonly variables: { readonly ENDPOINT_NAME?: string };
  /** May ask it for scores. */
  grantScore(grantee: IGrantable): void;
}

/** The model in each function that asks it: no endpoint is made (`endpoint.mode: 'in-process'`). */
export class InProcessModel implements ServedModel {
  readonly variables = {};
  private readonly lake: Lake;

  constructor(props: { readonly deployment: Deployment; readonly alarms: AlarmRegistry; readonly lake: Lake }) {
    this.lake = props.lake;
    // The sweep and the API read the same objects; what fails for one does for all.
    props.alarms.add('ModelNotLoaded', {
      severity: 'warning',
      sentence:
        'The scorer cannot load the model that was deployed last for 15 minutes, and goes on with the one before.',
      runbook: 'model-not-loaded',
      metric: tidemarkMetric(props.deployment, SERVICE.scorer, METRIC.modelNotLoaded, { period: Duration.minutes(5) }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 3,
      missing: QUIET,
    });
  }

  /** May read what serves, and the models. */
  grantScore(grantee: IGrantable): void {
    this.lake.grantRead(grantee, PREFIX.models, PREFIX.serving);
  }
}
