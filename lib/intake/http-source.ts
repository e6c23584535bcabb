import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/intake-http/env.ts';
import { SERVICE } from '../../names/metrics.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { addHttpSourceAlarms } from './http-source-alarms.ts';
import type { IntakeApi } from './intake-api.ts';
import { grantIntake, intakeEnvironment, type SourceProps } from './intake-source.ts';

/** An HTTP API waits 30 s at most. */
const TIMEOUT_SECONDS = 29;

/** A source that sends requests: `POST /v1/in/<source>`, proven by keys in a secret of its own. */
export class HttpSource extends Construct {
  readonly fn: NodeFunction<Env>;
  /** Address to register at the provider. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: SourceProps & { readonly api: IntakeApi; readonly secret: Secret }) {
    super(scope, id);
    const { deployment, source, key, api, secret } = props;
    const { stage } = deployment;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.intakeHttp,
      entry: 'intake-http/handler.ts',
      description: `Takes the requests of ${source.name}`,
      memoryMiB: stage.intake.memoryMiB,
      timeoutSeconds: TIMEOUT_SECONDS,
      concurrency: stage.intake.concurrency,
      mapModule: source.map_with,
      invocation: { kind: 'synchronous' },
      environment: { ...intakeEnvironment(props, 'http'), SECRET_ARN: secret.secretArn },
    });
    grantIntake(this.fn, props);
    this.fn.allow(['secretsmanager:GetSecretValue'], [secret.secretArn]);
    key.grantDecrypt(this.fn);
    this.url = `${api.url}${api.addSource(source, this.fn.function)}`;
    addHttpSourceAlarms(props, this.fn.function);
  }
}
