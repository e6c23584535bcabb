import { Duration } from 'aws-cdk-lib';
import { HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/api/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OnlineTable, ScoreTable } from '../feature-store/tables.ts';
import { addApiStage } from '../foundation/api-stage.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import type { ServedModel } from './in-process-model.ts';
import { lastScoreVariables, predictionVariables } from './scoring-variables.ts';

/** An HTTP API answers within 30 s, or 503. */
export const API_TIMEOUT_SECONDS = 29;

export interface ApiProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly features: OnlineTable;
  readonly lake: Lake;
  /** @default - the use case has no model, and the API answers with features alone */
  readonly model?: { readonly endpoint: ServedModel; readonly scores: ScoreTable };
}

/** `POST /v1/features` and, where there is a model, `POST /v1/score`, signed by IAM. */
export class Api extends Construct {
  readonly fn: NodeFunction<Env>;
  readonly api: HttpApi;
  readonly url: string;
  /** Without the leading `/`. */
  readonly paths: readonly string[];

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    const { deployment, alarms, features, lake, model } = props;
    const { stage } = deployment;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.api,
      entry: 'api/handler.ts',
      description: `Answers features${model ? ' and scores' : ''} of up to 100 entities at the time of the request`,
      memoryMiB: stage.api.memoryMiB,
      // An HTTP API waits 30 s at most.
      timeoutSeconds: API_TIMEOUT_SECONDS,
      invocation: { kind: 'synchronous' },
      environment: model
        ? { ...predictionVariables({ features, lake, endpoint: model.endpoint }), ...lastScoreVariables(model) }
        : { FEATURES_TABLE: features.table.tableName },
    });
    features.grantRead(this.fn);
    if (model) {
      lake.grantPut(this.fn, PREFIX.predictions);
      model.endpoint.grantScore(this.fn);
      model.scores.grantRead(this.fn);
      this.addDegradedAlarm(props);
    }

    this.api = new HttpApi(this, 'HttpApi', {
      description: model ? 'Tidemark features and scores' : 'Tidemark features',
      createDefaultStage: false,
      defaultAuthorizer: new HttpIamAuthorizer(),
    });
    const integration = new HttpLambdaIntegration('Lambda', this.fn.function);
    this.paths = ['v1/features', ...(model ? ['v1/score'] : [])];
    for (const path of this.paths) {
      this.api.addRoutes({ path: `/${path}`, methods: [HttpMethod.POST], integration });
    }
    const httpStage = addApiStage(this, {
      httpApi: this.api,
      stage,
      throttle: stage.api,
      // Who, what, how long and how it ended: never a body.
      logged: {
        requestId: '$context.requestId',
        requestTime: '$context.requestTime',
        routeKey: '$context.routeKey',
        status: '$context.status',
        responseLength: '$context.responseLength',
        latencyMs: '$context.responseLatency',
        caller: '$context.identity.userArn',
        error: '$context.error.message',
      },
    });
    this.url = httpStage.url;

    alarms.add('ApiErrors', {
      severity: 'critical',
      sentence: 'The API answers with 5xx in three minutes of five.',
      runbook: 'api-errors',
      metric: this.api.metricServerError({ period: Duration.minutes(1), statistic: 'Sum' }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      missing: QUIET,
    });
  }
  private addDegradedAlarm({ alarms, deployment }: ApiProps): void {
    alarms.add('ApiDegraded', {
      severity: 'warning',
      sentence: 'The API answers with earlier scores for 15 minutes: the model does not answer in time.',
      runbook: 'api-degraded',
      metric: tidemarkMetric(deployment, SERVICE.api, METRIC.scoresDegraded, { period: Duration.minutes(5) }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 3,
      missing: QUIET,
    });
  }
}
