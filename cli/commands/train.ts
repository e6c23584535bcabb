import { Progress } from '../../setup/progress.mjs';
import { connect, type Stage } from '../connection.ts';
import { interruption } from '../interruption.ts';
import { runStateMachine } from '../jobs.ts';
import { readResources } from '../resources.ts';

interface TrainOptions {
  readonly stage: Stage;
  /** ms UTC */
  readonly asOf?: number;
}

/** `tidemark train`: runs the training state machine to its end. */
export async function train({ stage, asOf }: TrainOptions): Promise<void> {
  const { clients } = connect(stage);
  const resources = await readResources(clients.cloudformation, stage);
  const stop = interruption();
  const input = asOf === undefined ? {} : { as_of: asOf };
  const output = await new Progress().step('Train', (step) =>
    runStateMachine(clients.sfn, resources.get('trainingStateMachine'), input, {
      signal: stop.signal,
      onState: (state) => step.update(state),
    }),
  );
  stop.release();
  console.log(JSON.stringify(output, null, 2));
}
