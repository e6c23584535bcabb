import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { type HttpApi, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage-config.ts';
import { VendedLogs } from './vended-logs.ts';

export interface ApiStageProps {
  readonly httpApi: HttpApi;
  readonly stage: StageConfig;
  /** Tells its logs from those of another API of the stack. @default - it is the only one */
  readonly part?: string;
  /** Requests of a route: a second, and at once above that. */
  readonly throttle: Pick<StageConfig['api'], 'rateLimit' | 'burstLimit'>;
  /**
   * What is logged of a request, by API Gateway's variables: never a body.
   * @default - which route, how long and how it ended: no query either, which may hold a key, and nobody's name
   */
  readonly logged?: Readonly<Record<string, string>>;
}

const LOGGED = {
  requestId: '$context.requestId',
  requestTime: '$context.requestTime',
  routeKey: '$context.routeKey',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  error: '$context.error.message',
};

/** The one stage of an HTTP API, with its rates and its access logs. @param scope gets both, as `Stage` and `AccessLogs` */
export function addApiStage(
  scope: Construct,
  { httpApi, stage, part, throttle, logged = LOGGED }: ApiStageProps,
): HttpStage {
  const accessLogs = new VendedLogs(scope, 'AccessLogs', { stage, service: 'apigateway', ...(part && { part }) });
  const { rateLimit, burstLimit } = throttle;
  return new HttpStage(scope, 'Stage', {
    httpApi,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit, burstLimit },
    accessLogSettings: {
      destination: new LogGroupLogDestination(accessLogs),
      format: AccessLogFormat.custom(JSON.stringify(logged)),
    },
  });
}
