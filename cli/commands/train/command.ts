import { Progress } from '../../../setup/progress.mjs';
import { CliError } from '../../errors.ts';
import { interruption } from '../../stage/interruption.ts';
import { deployed, flagsOf, type Target } from '../../stage/resources.ts';
import { rebuildTrainingSet } from './rebuild.ts';
import { modelLines, runTraining } from './train.ts';

interface TrainOptions extends Target {
  /** ms UTC */
  readonly asOf?: number;
}

/** `tidemark train`: runs the training to its end, and says what became of it. */
export async function train({ stage, usecase, asOf }: TrainOptions): Promise<void> {
  const { clients, resources } = await deployed({ stage, usecase });
  resources.requireModel();
  const stop = interruption();
  const input = asOf === undefined ? {} : { as_of: asOf };
  const model = await new Progress().step('Train', (step) =>
    runTraining(clients, resources, input, { signal: stop.signal, onState: step.update }),
  );
  stop.release();
  console.log(modelLines(model).join('\n'));
  console.log(
    `The same training set again: npx tidemark train rebuild ${flagsOf({ stage, usecase })} --training-set ${model.training_set_id}`,
  );
}

/** `tidemark train rebuild`: exit code 1 when a file is not the same to the byte. */
export async function rebuild({ trainingSet, stage, usecase }: Target & { trainingSet: string }): Promise<void> {
  const { clients, resources } = await deployed({ stage, usecase });
  resources.requireModel();
  const stop = interruption();
  const report = await new Progress().step('Rebuild the training set (Glue)', (step) =>
    rebuildTrainingSet(clients, resources, trainingSet, { signal: stop.signal, onState: step.update }),
  );
  stop.release();
  console.log(JSON.stringify(report, null, 2));
  const wrong = report.different.length + report.missing.length + report.unexpected.length;
  if (wrong > 0) throw new CliError(`${wrong} files are not what they were; ${report.equal} are equal to the byte.`);
}
