import { type Command, InvalidArgumentError } from 'commander';
import { CliError } from '../../errors.ts';
import { parseInstant } from '../../instant.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import { flagsOf, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { rebuildTrainingSet } from './rebuild.ts';
import { askForTraining, modelLines } from './train.ts';

interface TrainOptions extends Target {
  /** ms UTC */
  readonly asOf?: number;
  readonly force?: true;
  readonly reuse?: string;
  readonly seed?: number;
}

interface RebuildOptions extends Target {
  readonly trainingSet: string;
}

export function addTrain(root: Command): void {
  const training = root
    .command('train')
    .description('build the training set, train, gate, register and deploy the model')
    .option('--as-of <time>', 'know only what was known then', day)
    .option('--force', 'also when nothing has changed, or the last training is not long ago')
    .option('--reuse <id>', 'learn from this training set, which is there, instead of a new one')
    .option('--seed <n>', "in place of the use case's: another model of the same rows, for an experiment", seed)
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((options: TrainOptions) => withStage(options, (stage) => train(stage, options)));
  training
    .command('rebuild')
    .description('make the files of a training set again and compare them to the byte')
    .requiredOption('--training-set <id>', 'its id')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((_, command: Command) => {
      const options = command.optsWithGlobals<RebuildOptions>();
      return withStage(options, (stage) => rebuild(stage, options));
    });
}

function day(text: string): number {
  const value = parseInstant(text);
  if (value === null) throw new InvalidArgumentError('allowed is a day such as 2017-12-01 or an ISO time with a zone.');
  return value;
}

function seed(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value >= 2 ** 31) throw new InvalidArgumentError('allowed is a whole number below 2^31.');
  return value;
}

/** Runs the training to its end, and says what became of it. */
async function train(stage: OpenStage, { asOf, force, reuse, seed }: TrainOptions): Promise<void> {
  const { clients, resources, target } = stage;
  resources.requireModel();
  const input = {
    ...(asOf === undefined ? {} : { as_of: asOf }),
    ...(force && { force }),
    ...(reuse === undefined ? {} : { reuse }),
    ...(seed === undefined ? {} : { seed }),
  };
  const model = await stage.step('Train', (watch) => askForTraining(clients, resources, input, watch));
  if ('decision' in model) {
    console.log(`Not trained (${model.decision}). ${model.reason}`);
    return;
  }
  console.log(modelLines(model).join('\n'));
  console.log(
    `The same training set again: npx tidemark train rebuild ${flagsOf(target)} --training-set ${model.training_set_id}`,
  );
}

/** Exit code 1 when a file is not the same to the byte. */
async function rebuild(stage: OpenStage, { trainingSet }: RebuildOptions): Promise<void> {
  stage.resources.requireModel();
  const report = await stage.step('Rebuild the training set (Glue)', (watch) =>
    rebuildTrainingSet(stage.clients, stage.resources, trainingSet, watch),
  );
  console.log(JSON.stringify(report, null, 2));
  const wrong = report.different.length + report.missing.length + report.unexpected.length;
  if (wrong > 0) throw new CliError(`${wrong} files are not what they were; ${report.equal} are equal to the byte.`);
}
