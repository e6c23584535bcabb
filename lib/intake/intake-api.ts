import { HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { SourceIR } from '../../core/ir/document.ts';
import { CARRIAGE_OPTIONS } from '../../core/ir/source-options.ts';
import { sourcePath } from '../../names/sources.ts';
import type { StageConfig } from '../config/stage-config.ts';
import { addApiStage } from '../foundation/api-stage.ts';
import { acknowledge } from '../foundation/wildcards.ts';

/** The front door of all HTTP sources: a route each, with a rate of its own. Each function proves who sent a request. */
export class IntakeApi extends Construct {
  readonly api: HttpApi;
  readonly url: string;

  constructor(scope: Construct, id: string, { stage }: { readonly stage: StageConfig }) {
    super(scope, id);
    this.api = new HttpApi(this, 'HttpApi', {
      description: 'Tidemark: requests of sources',
      createDefaultStage: false,
    });
    const httpStage = addApiStage(this, {
      httpApi: this.api,
      stage,
      // Of each route: a source that sends too much is slowed down alone.
      throttle: stage.intake,
    });
    this.url = httpStage.url;
  }

  /**
   * Its route, and those that its provider or a browser asks before: X by GET, a page by OPTIONS.
   * @returns the path to register, without the leading `/`
   */
  addSource({ name, via }: SourceIR, fn: IFunction): string {
    const { verify, origins } = CARRIAGE_OPTIONS.http.parse(via.find(({ kind }) => kind === 'http')!.options);
    const path = sourcePath(name);
    const routes = this.api.addRoutes({
      path: verify.scheme === 'path' ? `${path}/{key}` : path,
      methods: [
        HttpMethod.POST,
        ...(verify.scheme === 'x' ? [HttpMethod.GET] : []),
        ...(origins.length > 0 ? [HttpMethod.OPTIONS] : []),
      ],
      integration: new HttpLambdaIntegration(`Lambda${name}`, fn),
    });
    for (const route of routes)
      acknowledge(route, {
        id: 'AwsSolutions-APIG4',
        reason: 'Who calls has no identity of AWS: the function checks the proof that the provider documents.',
      });
    return path.slice(1);
  }
}
