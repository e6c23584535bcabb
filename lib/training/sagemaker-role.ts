import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { forOwnAccount } from '../foundation/own-account.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import type { FrameworkImage } from './framework-images.ts';

export interface SageMakerRoleProps {
  readonly description: string;
  /** SageMaker names its log groups by what runs. */
  readonly logGroup: '/aws/sagemaker/TrainingJobs' | '/aws/sagemaker/Endpoints';
  readonly image: FrameworkImage;
}

/** A role for one kind of SageMaker container: it may pull its image, log and emit metrics. Data is granted by others. */
export class SageMakerRole extends Role {
  constructor(scope: Construct, id: string, props: SageMakerRoleProps) {
    super(scope, id, {
      assumedBy: forOwnAccount('sagemaker'),
      description: props.description,
    });
    this.addToPolicy(
      new PolicyStatement({
        actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        resources: [props.image.repositoryArn],
      }),
    );
    this.addToPolicy(new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }));
    this.addToPolicy(
      new PolicyStatement({
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringLike: { 'cloudwatch:namespace': ['/aws/sagemaker/*', 'AWS/SageMaker'] } },
      }),
    );
    this.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
        resources: [Stack.of(this).formatArn({ service: 'logs', resource: `log-group:${props.logGroup}*` })],
      }),
    );
    explainWildcards(
      this,
      {
        finding: /^Resource::\*$/,
        reason:
          'ecr:GetAuthorizationToken and cloudwatch:PutMetricData have no resource type: IAM takes only "*"; metrics are limited to the SageMaker namespaces.',
      },
      {
        finding: /^Resource::arn:\S+:logs:\S+:log-group:\/aws\/sagemaker\/(TrainingJobs|Endpoints)\*$/,
        reason: 'SageMaker names log groups and streams by job and endpoint itself, below its own folder.',
      },
    );
  }
}
