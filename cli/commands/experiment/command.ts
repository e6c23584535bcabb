import { type Command, InvalidArgumentError } from 'commander';
import type { ExperimentIR } from '../../../core/ir/document.ts';
import type { ExperimentRecord } from '../../../names/experiments.ts';
import { CliError } from '../../errors.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import { deployedUseCase } from '../../stage/deployed-use-case.ts';
import { runGlueJob } from '../../stage/jobs.ts';
import { flagsOf, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { readReport, recordLines, reportLines } from './report.ts';
import { contenders, end, found, promote, runningOne, start, widen } from './run.ts';

interface StartOptions extends Target {
  readonly challenger?: number;
}

interface WidenOptions extends Target {
  readonly coverage: number;
}

interface StatusOptions extends Target {
  readonly analyse?: boolean;
}

interface PromoteOptions extends Target {
  readonly anyway?: boolean;
}

/** Adds `tidemark experiment …`. */
export function addExperiment(root: Command): void {
  const experiment = root
    .command('experiment')
    .description('a second model beside the one that serves, and which of them leads to better outcomes');
  const add = (name: string, description: string) =>
    experiment.command(name).description(description).addOption(stageOption()).addOption(useCaseOption());
  add('start', 'deploy a challenger beside the champion, and assign entities to both')
    .argument('[name]', 'of the experiment, as the use case declares it (default: the only one)')
    .option('--challenger <n>', 'version (default: the newest approved one that does not serve)', versionNumber)
    .action((name: string | undefined, options: StartOptions) =>
      withStage(options, (stage) => begin(stage, name, options.challenger)),
    );
  add('widen', 'take more entities in; whoever is assigned stays')
    .requiredOption('--coverage <share>', 'the share of entities that get a variant, such as 0.5', share)
    .action((options: WidenOptions) => withStage(options, (stage) => grow(stage, options.coverage)));
  add('status', 'show counts, the interval of the difference, checks and the recommendation')
    .argument('[name]', 'of an experiment that runs or ran (default: the one that runs)')
    .option('--analyse', 'merge the archive and analyse now (default: as of the last analysis)')
    .action((name: string | undefined, options: StatusOptions) =>
      withStage(options, (stage) => status(stage, name, options.analyse === true)),
    );
  add('stop', 'end the experiment; the champion serves alone again').action((options: Target) =>
    withStage(options, stop),
  );
  add('promote', 'end the experiment, and deploy the challenger as every approved version is')
    .argument('[name]', 'of the experiment (default: the one that runs)')
    .option('--anyway', 'also where the analysis does not recommend it')
    .action((name: string | undefined, options: PromoteOptions) =>
      withStage(options, (stage) => promoteOne(stage, name, options.anyway === true)),
    );
}

function versionNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('allowed is the number of a version, from 1.');
  return Number(text);
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 1))
    throw new InvalidArgumentError('allowed is a share above 0, up to 1.');
  return value;
}

/** The declared one of this name. @throws CliError that lists what is declared */
export function declared(experiments: readonly ExperimentIR[], name: string | undefined): ExperimentIR {
  const names = experiments.map((one) => one.name).join(', ');
  if (names === '')
    throw new CliError('The deployed use case declares no experiment: add one to its `experiments`, and deploy.');
  const one =
    name === undefined && experiments.length === 1 ? experiments[0] : experiments.find((of) => of.name === name);
  if (one) return one;
  throw new CliError(`experiment: found ${name ?? 'no name'}; declared and deployed: ${names}.`);
}

async function begin(stage: OpenStage, name: string | undefined, challenger: number | undefined): Promise<void> {
  const { clients, resources, target } = stage;
  resources.requireModel();
  const experiment = declared((await deployedUseCase(clients, resources)).experiments ?? [], name);
  const both = await contenders(clients, resources, challenger);
  const title = `Deploy version ${both.challenger.version} beside version ${both.champion.version}`;
  const record = await stage.step(title, (watch) => start(clients, resources, experiment, both, watch));
  console.log(recordLines(record).join('\n'));
  console.log(`Functions assign by it within a minute. Next: npx tidemark experiment status ${flagsOf(target)}`);
}

async function grow({ clients, resources }: OpenStage, coverage: number): Promise<void> {
  resources.requireModel();
  console.log(recordLines(await widen(clients, resources, coverage)).join('\n'));
}

async function status(stage: OpenStage, name: string | undefined, analyse: boolean): Promise<void> {
  const { clients, resources, target } = stage;
  resources.requireModel();
  const record = await found(clients, resources, name);
  if (analyse) await analysed(stage, record);
  console.log(recordLines(record).join('\n'));
  const report = await readReport(clients, resources, record.experiment.name);
  console.log('');
  console.log(
    report
      ? reportLines(report).join('\n')
      : `Not analysed yet: that happens once a day, or with npx tidemark experiment status --analyse ${flagsOf(target)}`,
  );
}

async function analysed(stage: OpenStage, { experiment }: ExperimentRecord): Promise<void> {
  const { clients, resources } = stage;
  await stage.step('Compact the archive (Glue)', (watch) =>
    runGlueJob(clients, resources, 'compactArchive', {}, watch),
  );
  await stage.step('Analyse the experiment (Glue)', (watch) =>
    runGlueJob(clients, resources, 'analyseExperiment', { experiment: experiment.name }, watch),
  );
}

async function stop(stage: OpenStage): Promise<void> {
  const { clients, resources } = stage;
  resources.requireModel();
  const record = await runningOne(clients, resources);
  await stage.step(`Stop ${record.experiment.name}`, (watch) => end(clients, resources, record, 'stopped', watch));
  console.log(`${record.experiment.name} is stopped; what is not known yet of its entities is still waited for.`);
}

async function promoteOne(stage: OpenStage, name: string | undefined, anyway: boolean): Promise<void> {
  const { clients, resources } = stage;
  resources.requireModel();
  const record = await found(clients, resources, name);
  if (record.status === 'stopped')
    throw new CliError(
      `${record.experiment.name} is stopped: deploy its challenger with \`npx tidemark model approve --version <n>\`.`,
    );
  const report = await readReport(clients, resources, record.experiment.name);
  const said = report?.recommendation ?? { decision: 'wait', reason: 'It was not analysed yet.' };
  if (said.decision !== 'promote' && !anyway)
    throw new CliError(`The analysis says ${said.decision}: ${said.reason} Give --anyway to promote all the same.`);
  await stage.step(`Promote the challenger of ${record.experiment.name}`, (watch) =>
    promote(clients, resources, record, watch),
  );
  console.log(`The challenger of ${record.experiment.name} serves all.`);
}
