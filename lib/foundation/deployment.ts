import type { StageConfig } from '../config/stage-config.ts';
import type { DeployedUseCase } from '../config/use-case.ts';

/** What every construct is told: the stage it is built for and the use case it serves. */
export interface Deployment {
  readonly stage: StageConfig;
  readonly useCase: DeployedUseCase;
}

/**
 * `tidemark-<stage>-<use case>`: for the few things whose name must be known before they exist (stacks, and the SageMaker
 * resources that a state machine creates outside of CloudFormation).
 */
export function deploymentName({ stage, useCase }: Deployment): string {
  return `tidemark-${stage.stage}-${useCase.ir.name.replaceAll('_', '-')}`;
}
