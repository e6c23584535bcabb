import { Stack } from 'aws-cdk-lib';
import { CfnModelPackageGroup } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { type Deployment, deploymentName } from '../foundation/deployment.ts';
import { removalPolicy } from '../foundation/removal.ts';

/** The registry of models: one model package group, whose versions carry metrics, data snapshot and definition hash. */
export class ModelRegistry extends Construct {
  readonly groupName: string;
  readonly groupArn: string;
  /** Of all versions in the group. */
  readonly packagesArn: string;

  constructor(scope: Construct, id: string, props: { readonly deployment: Deployment }) {
    super(scope, id);
    // SageMaker generates no name for a group.
    this.groupName = deploymentName(props.deployment);
    const group = new CfnModelPackageGroup(this, 'Group', {
      modelPackageGroupName: this.groupName,
      modelPackageGroupDescription: `Models of the use case ${props.deployment.useCase.ir.name}`,
    });
    group.applyRemovalPolicy(removalPolicy(props.deployment.stage, true));
    this.groupArn = group.attrModelPackageGroupArn;
    this.packagesArn = Stack.of(this).formatArn({
      service: 'sagemaker',
      resource: 'model-package',
      resourceName: `${this.groupName}/*`,
    });
  }
}
