import { deploymentName as nameOf } from '../../names/deployments.ts';
import { ConfigError } from '../config/config-error.ts';
import type { StageConfig } from '../config/stage-config.ts';
import type { DeployedUseCase } from '../config/use-case.ts';

/** What every construct is told: the stage it is built for and the use case it serves. */
export interface Deployment {
  readonly stage: StageConfig;
  readonly useCase: DeployedUseCase;
}

/** Longest name of a use case: with stage and run in front and behind it, SageMaker's 63 characters are full but for one, with the ending of a configuration. */
export const LONGEST_USE_CASE_NAME = 32;

/**
 * `tidemark-<stage>-<use case>`: for the few things whose name must be known before they exist (stacks, and the SageMaker
 * resources that a state machine creates outside of CloudFormation).
 *
 * @throws ConfigError when the use case's name is too long for the names made of it, or ends where none of them may end
 */
export function deploymentName({ stage, useCase }: Deployment): string {
  const { name } = useCase.ir;
  if (name.length > LONGEST_USE_CASE_NAME || name.endsWith('_')) {
    throw new ConfigError('use case', [
      `name: found string of ${name.length} characters${name.endsWith('_') ? ' that ends with _' : ''}; allowed: up to ${LONGEST_USE_CASE_NAME}, the last a letter or a digit, because SageMaker's names hold it`,
    ]);
  }
  return nameOf(stage.stage, name);
}
