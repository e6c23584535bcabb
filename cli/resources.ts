import { type CloudFormationClient, paginateDescribeStacks } from '@aws-sdk/client-cloudformation';
import type { Stage } from './connection.ts';
import { CliError } from './errors.ts';

/** Outputs of the deployed stacks, by the key the app gives them. */
const OUTPUTS = {
  stream: 'StreamName',
  featuresTable: 'FeaturesTableName',
  scoresTable: 'ScoresTableName',
  lakeBucket: 'LakeBucketName',
  database: 'GlueDatabaseName',
  landHistoryJob: 'LandHistoryJobName',
  compactArchiveJob: 'CompactArchiveJobName',
  backfillStatesJob: 'BackfillStatesJobName',
  buildTrainingSetJob: 'BuildTrainingSetJobName',
  eraseEntityJob: 'EraseEntityJobName',
  featuresAtJob: 'FeaturesAtJobName',
  healStatesJob: 'HealStatesJobName',
  checkConsistencyJob: 'CheckConsistencyJobName',
  trainingStateMachine: 'TrainingStateMachineArn',
  modelPackageGroup: 'ModelPackageGroupName',
  endpoint: 'EndpointName',
  sweepFunction: 'SweepFunctionName',
  dashboard: 'DashboardName',
  slackSecret: 'SlackSecretArn',
} as const;

export type ResourceName = keyof typeof OUTPUTS;

/** Physical names of what a stage deployed, read from its CloudFormation outputs. */
export class Resources {
  readonly stage: Stage;
  readonly #outputs: ReadonlyMap<string, string>;
  /** When the first stack of the stage was made (ms UTC). */
  readonly created: number;

  constructor(stage: Stage, outputs: ReadonlyMap<string, string>, created: number) {
    this.stage = stage;
    this.#outputs = outputs;
    this.created = created;
  }

  /** @throws CliError when the stage has no such output */
  get(name: ResourceName): string {
    const value = this.#outputs.get(OUTPUTS[name]);
    if (value === undefined) {
      throw new CliError(
        `Stage "${this.stage}" has no output ${OUTPUTS[name]}: deploy it again with \`npx tidemark deploy --stage ${this.stage}\`.`,
      );
    }
    return value;
  }
}

/** @throws CliError when nothing of the stage is deployed */
export async function readResources(client: CloudFormationClient, stage: Stage): Promise<Resources> {
  const prefix = `tidemark-${stage}-`;
  const outputs = new Map<string, string>();
  let created = Number.POSITIVE_INFINITY;
  for await (const page of paginateDescribeStacks({ client }, {})) {
    for (const stack of page.Stacks ?? []) {
      if (!stack.StackName?.startsWith(prefix)) continue;
      created = Math.min(created, stack.CreationTime?.getTime() ?? created);
      for (const { OutputKey, OutputValue } of stack.Outputs ?? []) {
        if (OutputKey && OutputValue) outputs.set(OutputKey, OutputValue);
      }
    }
  }
  if (!Number.isFinite(created)) {
    throw new CliError(`Nothing of stage "${stage}" is deployed: run \`npx tidemark deploy --stage ${stage}\`.`);
  }
  return new Resources(stage, outputs, created);
}
