import { Duration } from 'aws-cdk-lib';
import { HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/outcomes/env.ts';
import { SERVICE } from '../../names/metrics.ts';
import type { ScoreTable } from '../feature-store/tables.ts';
import { addApiStage } from '../foundation/api-stage.ts';
import type { DataKey } from '../foundation/data-key.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { acknowledge } from '../foundation/wildcards.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';

/** Slack has shown its warning by then; what is under way may end. */
const TIMEOUT_SECONDS = 10;
const PATH = '/v1/outcomes/slack';

export interface OutcomeDoorProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly scores: ScoreTable;
  /** Holds the app's signing secret. */
  readonly slackSecret: ISecret;
}

/** `POST /v1/outcomes/slack`: presses of the buttons under alerts, signed by Slack. */
export class OutcomeDoor extends Construct {
  readonly fn: NodeFunction<Env>;
  /** Address to register as the app's Request URL of interactivity. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: OutcomeDoorProps) {
    super(scope, id);
    const { deployment, alarms, key, scores, slackSecret } = props;
    const { stage } = deployment;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.outcomes,
      entry: 'outcomes/handler.ts',
      description: 'Keeps what people say became of those they were told of',
      memoryMiB: stage.outcomes.memoryMiB,
      timeoutSeconds: TIMEOUT_SECONDS,
      invocation: { kind: 'synchronous' },
      environment: {
        SCORES_TABLE: scores.table.tableName,
        SCORES_KEPT_DAYS: String(stage.retention.scoresDays),
        SLACK_SECRET_ARN: slackSecret.secretArn,
        WEBHOOKS: stage.cloud === 'local' ? 'loopback' : 'https',
      },
    });
    scores.grantOutcome(this.fn);
    this.fn.allow(['secretsmanager:GetSecretValue'], [slackSecret.secretArn]);
    key.grantDecrypt(this.fn);
    const httpApi = new HttpApi(this, 'HttpApi', {
      description: 'Tidemark: what people say of alerts',
      createDefaultStage: false,
    });
    const integration = new HttpLambdaIntegration('Lambda', this.fn.function);
    for (const route of httpApi.addRoutes({ path: PATH, methods: [HttpMethod.POST], integration }))
      acknowledge(route, {
        id: 'AwsSolutions-APIG4',
        reason: 'Slack has no identity of AWS: the function checks the signature that Slack documents.',
      });
    const { url } = addApiStage(this, {
      httpApi,
      stage,
      part: 'outcomes',
      throttle: stage.outcomes,
    });
    this.url = `${url}${PATH.slice(1)}`;

    alarms.add('OutcomesErrors', {
      severity: 'warning',
      sentence: 'Presses of the buttons under alerts are answered with 5xx: what people say of customers is not kept.',
      runbook: 'outcomes-errors',
      metric: httpApi.metricServerError({ period: Duration.minutes(5), statistic: 'Sum' }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      missing: QUIET,
    });
  }
}
