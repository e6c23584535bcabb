import { Role } from 'aws-cdk-lib/aws-iam';
import { CfnMlflowApp } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { PREFIX } from '../../names/lake.ts';
import type { Lake } from '../feature-store/lake.ts';
import { type Deployment, deploymentName } from '../foundation/deployment.ts';
import { forOwnAccount } from '../foundation/own-account.ts';
import { removalPolicy } from '../foundation/removal.ts';

export interface MlflowAppProps {
  readonly deployment: Deployment;
  readonly lake: Lake;
}

/**
 * MLflow as SageMaker runs it, without a server to size or to pay by the hour. Its artefacts lie in the lake, below one prefix.
 * Its own registration of models is off: it would make a second group beside ours.
 */
export class MlflowApp extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { deployment, lake }: MlflowAppProps) {
    super(scope, id);
    // SageMaker asks for AmazonS3FullAccess; the artefacts lie below one prefix, and nothing else is its.
    const role = new Role(this, 'Role', {
      assumedBy: forOwnAccount('sagemaker'),
      description: 'MLflow App: artefacts of runs in and out',
    });
    lake.grantReadWrite(role, PREFIX.mlflow);
    const app = new CfnMlflowApp(this, 'App', {
      name: deploymentName(deployment),
      artifactStoreUri: lake.uri(PREFIX.mlflow),
      roleArn: role.roleArn,
      modelRegistrationMode: 'AutoModelRegistrationDisabled',
    });
    // It looks at the store when it is made.
    app.node.addDependency(role);
    app.applyRemovalPolicy(removalPolicy(deployment.stage, true));
    this.arn = app.attrArn;
  }
}
