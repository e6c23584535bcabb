import { Duration, Stack } from 'aws-cdk-lib';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/mlflow/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { type Deployment, deploymentName } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';

/** Where MLflow is, made by the stateful stack: a server of one's own with its secret, or an app. */
export type MlflowPlace = { readonly secret: ISecret } | { readonly appArn: string };

export interface MlflowProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly lake: Lake;
  readonly place: MlflowPlace;
}

/** Tells MLflow of trainings and of what serves; neither waits for it, or fails with it. */
export class Mlflow extends Construct {
  readonly fn: NodeFunction<Env>;
  /** What `mlflow.set_tracking_uri` takes. */
  readonly trackingUri: string;

  constructor(scope: Construct, id: string, { deployment, alarms, key, lake, place }: MlflowProps) {
    super(scope, id);
    const settings = deployment.stage.training.mlflow;
    const own = settings && 'trackingUri' in settings ? settings.trackingUri : '';
    const appArn = 'appArn' in place ? place.appArn : '';
    this.trackingUri = own || appArn;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.mlflow,
      entry: 'mlflow/handler.ts',
      description: 'Tells MLflow of trainings and deployments',
      memoryMiB: 512,
      timeoutSeconds: 60,
      invocation: { kind: 'synchronous' },
      environment: {
        LAKE_BUCKET: lake.bucket.bucketName,
        MLFLOW_NAME: deploymentName(deployment),
        MLFLOW_URL: own || appAddress(this, deployment),
        MLFLOW_APP_ARN: appArn,
        MLFLOW_SECRET_ARN: 'secret' in place ? place.secret.secretArn : '',
      },
    });
    lake.grantRead(this.fn, PREFIX.models);
    if ('secret' in place) {
      this.fn.allow(['secretsmanager:GetSecretValue'], [place.secret.secretArn]);
      key.grantDecrypt(this.fn);
    } else {
      // One action for all of an app's API; those of `sagemaker-mlflow` are for tracking servers
      // (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html).
      this.fn.allow(['sagemaker:CallMlflowAppApi'], [place.appArn]);
      // Files of a run go past the app, into its store.
      lake.grantPut(this.fn, PREFIX.mlflow);
    }
    alarms.add('MlflowFailed', {
      severity: 'warning',
      sentence: 'MLflow did not take a training or a deployment, which went on without: its runs or aliases lack one.',
      runbook: 'mlflow-failed',
      metric: tidemarkMetric(deployment, SERVICE.mlflow, METRIC.mlflowFailed, { period: Duration.minutes(5) }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      missing: QUIET,
    });
  }
}

/** As sagemaker-mlflow 0.5.0 makes it (mlflow_sagemaker_helpers.py). The local cloud has no such address: the function asks it itself. */
function appAddress(scope: Construct, { stage }: Deployment): string {
  return stage.cloud === 'local' ? '' : `https://mlflow.sagemaker.${Stack.of(scope).region}.app.aws`;
}
