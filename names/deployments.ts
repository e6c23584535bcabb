/** How a deployment and its stacks are called: known before they exist, and how they are found. */

export const STAGES = ['local', 'dev', 'prod'] as const;

/** Its stacks. */
export const STACKS = ['storage', 'realtime', 'training', 'intake', 'monitoring'] as const;

/** `tidemark-<stage>-<use case>`: begins the names of its stacks, and of what its state machine makes in SageMaker. */
export const deploymentName = (stage: string, usecase: string): string =>
  `tidemark-${stage}-${usecase.replaceAll('_', '-')}`;

export const stackName = (deployment: string, stack: string): string => `${deployment}-${stack}`;

/** The stage and the use case of a stack by its name; undefined where it is none of ours. */
export function deploymentOf(name: string): { readonly stage: string; readonly usecase: string } | undefined {
  const [, stage, usecase] = STACK_NAME.exec(name) ?? [];
  return stage === undefined || usecase === undefined ? undefined : { stage, usecase };
}

const STACK_NAME = new RegExp(`^tidemark-(${STAGES.join('|')})-(.+)-(${STACKS.join('|')})$`);
