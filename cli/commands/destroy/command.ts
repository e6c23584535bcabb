import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { Command } from 'commander';
import { confirm, requirePerson } from '../../confirmation.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import type { Resources, Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { destroy } from './destroy.ts';
import { type DestructionPlan, planDestruction } from './plan.ts';

interface DestroyOptions extends Target {
  readonly yes?: boolean;
}

const HELP = `
What CloudFormation would stumble over goes first: the endpoint, models and versions of the registry, all versions of all
objects. A deployment with termination or deletion protection is refused, with how to lift it. It may be run again.

  npx tidemark destroy --stage dev`;

export function addDestroy(root: Command): void {
  root
    .command('destroy')
    .description('take a deployment down: say what goes and what stays, ask, delete it with all its data')
    .option('--yes', 'do not ask')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .addHelpText('after', HELP)
    .action(askAndDestroy);
}

async function askAndDestroy({ yes = false, ...target }: DestroyOptions): Promise<void> {
  if (!yes) requirePerson();
  await withStage(target, (stage) => destroyStage(stage, yes));
}

/** Says what goes and what stays, asks, and takes the deployment down. */
async function destroyStage(stage: OpenStage, yes: boolean): Promise<void> {
  const { clients, resources, progress } = stage;
  const plan = await progress.step('Look at what is deployed', () => planDestruction(clients, resources));
  const { Account = 'unknown' } = await clients.sts.send(new GetCallerIdentityCommand({}));
  const region = await clients.sts.config.region();
  console.log(describePlan(resources, plan, `account ${Account}, region ${region}`));
  if (!yes)
    await confirm(`Delete ${resources.deployment} with all its data?`, resources.deployment, 'Nothing was deleted.');
  await destroy(clients, resources, plan, progress, stage.hold().signal);
  console.log(`${resources.deployment} is gone.`);
}

/** What goes and what stays, for the person who is asked. */
export function describePlan({ deployment }: Resources, plan: DestructionPlan, where: string): string {
  const all = plan.stacks.flatMap(({ resources }) => resources);
  const stays = all.filter((resource) => resource.stays);
  const tables = all
    .filter(({ type, stays }) => !stays && /^AWS::DynamoDB::/.test(type))
    .map((table) => table.physicalId);
  const keys = all.filter(({ type, stays }) => !stays && type === 'AWS::KMS::Key').map((key) => key.physicalId);
  const { models, configs, runs } = plan.made;
  const learns = all.some(({ type }) => type === 'AWS::SageMaker::ModelPackageGroup') || models.length > 0;
  const going = [
    `stacks     ${plan.stacks.map(({ name }) => name).join(', ')} (${all.length - stays.length} resources)`,
    `buckets    ${plan.buckets.join(', ') || 'none'}, with all objects and all their versions`,
    `tables     ${tables.join(', ') || 'none'}`,
    ...(learns
      ? [
          `registry   ${plan.versions.length} versions`,
          `serving    endpoint ${plan.endpoint ?? '(none)'}, ${models.length} models, ${configs.length} endpoint configurations`,
        ]
      : []),
    `logs       of ${learns ? 'SageMaker and of ' : ''}${runs.length} runs of Glue jobs, beside those of the stacks`,
  ];
  const staying = [
    ...stays.map(({ type, physicalId }) => `${type} ${physicalId} (its template says Retain)`),
    ...keys.map((key) => `KMS key ${key}, for the days until its scheduled deletion`),
    ...(learns ? ["records of its training jobs, which SageMaker keeps and doesn't charge"] : []),
    'the CDK bootstrap stack (CDKToolkit) with the code that was published to it',
  ];
  const list = (lines: readonly string[]) => lines.map((line) => `  ${line}`).join('\n');
  return `This deletes ${deployment} (${where}) for good:\n${list(going)}\nThis stays:\n${list(staying)}`;
}
