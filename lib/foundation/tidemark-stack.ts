import { CfnOutput, CliCredentialsStackSynthesizer, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { stackName } from '../../names/deployments.ts';
import { OUTPUT, type OutputName } from '../../names/outputs.ts';
import { type Deployment, deploymentName } from './deployment.ts';

export interface TidemarkStackProps {
  readonly deployment: Deployment;
  readonly description: string;
  /** Region to deploy to, known at synthesis: encryption of the tables and the training image depend on it. */
  readonly region: string;
  readonly account?: string;
}

/** What all stacks of the app share: name, environment and how assets are published. */
export abstract class TidemarkStack extends Stack {
  protected constructor(scope: Construct, id: string, props: TidemarkStackProps & { readonly stateful: boolean }) {
    const { stage } = props.deployment;
    super(scope, id, {
      stackName: stackName(deploymentName(props.deployment), id.toLowerCase()),
      description: `Tidemark ${stage.stage}: ${props.description}`,
      env: { account: props.account, region: props.region },
      terminationProtection: props.stateful && stage.protection.terminationProtection,
      // The local cloud enforces IAM and has no bootstrap roles to assume: assets go up with the caller's own keys.
      ...(stage.cloud === 'local' ? { synthesizer: new CliCredentialsStackSynthesizer() } : {}),
    });
  }

  /** Something the command line and people look up. */
  protected output(name: OutputName, value: string, description: string): void {
    this.outputCalled(OUTPUT[name], value, description);
  }

  /** As `output`, for what each source has one of. */
  protected outputCalled(key: string, value: string, description: string): void {
    new CfnOutput(this, `${key}Output`, { value, description }).overrideLogicalId(key);
  }
}
