import { Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { CHAMPION_VARIANT } from '../../names/variants.ts';
import { type Deployment, deploymentName } from '../foundation/deployment.ts';
import type { ServedModel } from './in-process-model.ts';

/**
 * The SageMaker endpoint, known by its name: the training state machine makes and updates it, because an endpoint needs a
 * model and the first model exists only after the first training.
 */
export class ScoringEndpoint extends Construct implements ServedModel {
  readonly endpointName: string;
  readonly endpointArn: string;

  constructor(scope: Construct, id: string, props: { readonly deployment: Deployment }) {
    super(scope, id);
    this.endpointName = deploymentName(props.deployment);
    this.endpointArn = Stack.of(this).formatArn({
      service: 'sagemaker',
      resource: 'endpoint',
      resourceName: this.endpointName,
    });
  }

  get variables() {
    return { ENDPOINT_NAME: this.endpointName };
  }

  /** May ask the endpoint for scores. */
  grantScore(grantee: IGrantable): void {
    Grant.addToPrincipal({ grantee, actions: ['sagemaker:InvokeEndpoint'], resourceArns: [this.endpointArn] });
  }

  /** A metric of the champion variant, in AWS/SageMaker. */
  metric(metricName: string, statistic: string, period = Duration.minutes(5)): Metric {
    return new Metric({
      namespace: 'AWS/SageMaker',
      metricName,
      dimensionsMap: { EndpointName: this.endpointName, VariantName: CHAMPION_VARIANT },
      statistic,
      period,
    });
  }
}
