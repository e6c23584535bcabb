import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type CloudFormationClient, paginateDescribeStacks, type Stack } from '@aws-sdk/client-cloudformation';
import { deploymentName, deploymentOf } from '../../names/deployments.ts';
import { OUTPUT, type OutputName } from '../../names/outputs.ts';
import { loadDefinitions } from '../definitions.ts';
import { CliError } from '../errors.ts';
import { ROOT } from '../paths.ts';
import { type Connection, connect, type Stage } from './connection.ts';

/** What only some use cases have, by the part that it belongs to. */
const PARTS: { readonly [name in OutputName]?: 'model' | 'alerts' } = {
  scoresTable: 'model',
  buildTrainingSetJob: 'model',
  checkConsistencyJob: 'model',
  analyseExperimentJob: 'model',
  labelsAtJob: 'model',
  trainingStateMachine: 'model',
  modelPackageGroup: 'model',
  endpoint: 'model',
  sweepFunction: 'model',
  slackSecret: 'alerts',
  outcomesUrl: 'alerts',
};

/** Which deployment a command is about. */
export interface Target {
  readonly stage: Stage;
  /** Name of a use case, or its folder; needed only where a stage has several. */
  readonly usecase?: string | undefined;
}

/** As a person writes a target: for the sentences that say what comes next. */
export function flagsOf({ stage, usecase }: Target): string {
  return usecase === undefined ? `--stage ${stage}` : `--stage ${stage} --usecase ${usecase}`;
}

/** Physical names of what a stage deployed for one use case, read from its CloudFormation outputs. */
export class Resources {
  readonly stage: Stage;
  /** Name of the use case as it stands in the names of what is deployed: with `-` for `_`. */
  readonly useCase: string;
  /** When the first stack of the deployment was made (ms UTC). */
  readonly created: number;
  /** Its stacks that exist, in any state. */
  readonly stacks: readonly Stack[];
  readonly #outputs: ReadonlyMap<string, string>;

  constructor(stage: Stage, useCase: string, stacks: readonly Stack[]) {
    this.stage = stage;
    this.useCase = useCase;
    this.stacks = stacks;
    this.created = Math.min(...stacks.map(({ CreationTime }) => CreationTime?.getTime() ?? Number.POSITIVE_INFINITY));
    this.#outputs = new Map(
      stacks
        .flatMap(({ Outputs }) => Outputs ?? [])
        .flatMap(({ OutputKey, OutputValue }) => (OutputKey && OutputValue ? [[OutputKey, OutputValue] as const] : [])),
    );
  }

  /** `tidemark-<stage>-<use case>`: prefix of its stacks and of what its state machine makes in SageMaker. */
  get deployment(): string {
    return deploymentName(this.stage, this.useCase);
  }

  /** Whether the use case has no model. */
  get featuresAlone(): boolean {
    return this.#lacks('modelPackageGroup');
  }

  /** Whether nothing raises alerts. */
  get withoutAlerts(): boolean {
    return this.#lacks('slackSecret');
  }

  /** Both stand in the stack of the stream; of what has none yet nothing is known. */
  #lacks(name: 'modelPackageGroup' | 'slackSecret'): boolean {
    return this.find(name) === undefined && this.find('stream') !== undefined;
  }

  /** @throws CliError with one sentence where the use case has events and features alone */
  requireModel(): void {
    if (!this.featuresAlone) return;
    throw new CliError(
      `${this.deployment} has no model: its use case has events and features alone, so there is nothing to train, score or approve; \`npx tidemark features at\` shows features.`,
    );
  }

  /** @throws CliError when the deployment has no such output */
  get(name: OutputName): string {
    const value = this.find(name);
    if (value === undefined) {
      if (PARTS[name] === 'model') this.requireModel();
      if (PARTS[name] === 'alerts' && this.withoutAlerts)
        throw new CliError(
          `${this.deployment} has no alerts: its use case declares none, so nothing is sent to anybody.`,
        );
      throw new CliError(
        `${this.deployment} has no output ${OUTPUT[name]}: deploy it again with \`npx tidemark deploy --stage ${this.stage} --usecase ${this.useCase}\`.`,
      );
    }
    return value;
  }

  /** As `get`; undefined when there is none. */
  find(name: OutputName): string | undefined {
    return this.findCalled(OUTPUT[name]);
  }

  /** An output that each source has one of, by its key (names/outputs.ts); undefined when there is none. */
  findCalled(key: string): string | undefined {
    return this.#outputs.get(key);
  }
}

/** Connects to a stage and finds what is deployed there. @throws CliError as `connect` and `readResources` do */
export async function deployed(target: Target): Promise<Connection & { readonly resources: Resources }> {
  const connection = connect(target.stage);
  return { ...connection, resources: await readResources(connection.clients.cloudformation, target) };
}

/**
 * What is deployed of one use case in a stage.
 * @throws CliError when nothing is, when several use cases are and none is named, or when the named one is not
 */
export async function readResources(client: CloudFormationClient, { stage, usecase }: Target): Promise<Resources> {
  const found = await readDeployments(client, stage);
  const names = [...found.keys()].sort();
  const [only] = names;
  if (only === undefined) {
    throw new CliError(`Nothing of stage "${stage}" is deployed: run \`npx tidemark deploy --stage ${stage}\`.`);
  }
  if (usecase === undefined && names.length > 1) {
    throw new CliError(
      `Stage "${stage}" has several use cases: say which with --usecase <name>; deployed are ${names.join(', ')}.`,
    );
  }
  const name = usecase === undefined ? only : await deployedName(usecase, names);
  const stacks = found.get(name);
  if (!stacks) {
    throw new CliError(
      `Use case "${name}" is not deployed in stage "${stage}"; deployed: ${names.join(', ')}. Name one of them, or run \`npx tidemark deploy --stage ${stage} --usecase ${usecase}\`.`,
    );
  }
  return new Resources(stage, name, stacks);
}

/** Stacks of a stage by the name of their use case. */
export async function readDeployments(client: CloudFormationClient, stage: Stage): Promise<Map<string, Stack[]>> {
  const found = new Map<string, Stack[]>();
  for await (const page of paginateDescribeStacks({ client }, {})) {
    for (const stack of page.Stacks ?? []) {
      const of = deploymentOf(stack.StackName ?? '');
      if (of?.stage !== stage || stack.StackStatus === 'DELETE_COMPLETE') continue;
      found.set(of.usecase, [...(found.get(of.usecase) ?? []), stack]);
    }
  }
  return found;
}

/** A name as people write it, or the folder of a use case, whose name may be another. */
async function deployedName(usecase: string, names: readonly string[]): Promise<string> {
  const written = hyphenated(usecase);
  const isFolder = existsSync(join(ROOT, 'usecases', usecase)) || /[\\/]/.test(usecase);
  return names.includes(written) || !isFolder ? written : hyphenated((await loadDefinitions(usecase)).ir.name);
}

const hyphenated = (name: string) => name.replaceAll('_', '-');

/**
 * The folder of the definitions of what is deployed: what was asked for, else the folder under usecases/ of its name.
 * @throws CliError when there is no such folder
 */
export function definitionsFolder(resources: Resources, asked: string | undefined): string {
  if (asked !== undefined && (existsSync(join(ROOT, 'usecases', asked)) || /[\\/]/.test(asked))) return asked;
  for (const name of [resources.useCase, resources.useCase.replaceAll('-', '_')])
    if (existsSync(join(ROOT, 'usecases', name))) return name;
  throw new CliError(
    `Use case "${resources.useCase}" is not a folder under usecases/: give the folder of its definitions with --usecase <path>.`,
  );
}
