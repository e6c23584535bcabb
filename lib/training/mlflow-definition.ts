import type { TrainingDefinitionProps } from './definition-props.ts';
import { RETRY_TRANSIENT, type State } from './states.ts';

type Where = Pick<TrainingDefinitionProps, 'mlflowFunctionArn'>;

/** The next state, by way of MLflow where there is one. */
export const byMlflow = (
  { mlflowFunctionArn }: Where,
  state: 'RecordRun' | 'RecordRefusedRun' | 'TellServing',
  next: string,
): string => (mlflowFunctionArn === undefined ? next : state);

/**
 * What MLflow is told: a training that was registered or refused, and what serves. No training and no deployment waits for it
 * longer than its function may take, or fails with it.
 */
export function mlflowStates(props: TrainingDefinitionProps, afterRun: string): Record<string, State> {
  const { mlflowFunctionArn, name, modelsUri } = props;
  if (mlflowFunctionArn === undefined) return {};
  const tell = (payload: State, next: string): State => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: mlflowFunctionArn, Payload: payload },
    TimeoutSeconds: 90,
    Retry: RETRY_TRANSIENT,
    // Counted and told by the function: MlflowFailed.
    Catch: [{ ErrorEquals: ['States.ALL'], Next: next }],
    Next: next,
  });
  const run = {
    step: 'run',
    training_job_name: `{% '${name}-' & $run %}`,
    training_set_id: '{% $training_set_id %}',
    model_data_url: '{% $model_data_url %}',
    output_data_url: `{% '${modelsUri}${name}-' & $run & '/output/output.tar.gz' %}`,
    gate: '{% $gate %}',
  };
  return {
    RecordRun: tell({ ...run, model_package_arn: '{% $model_package_arn %}' }, afterRun),
    RecordRefusedRun: tell({ ...run, model_package_arn: null }, 'ModelRejected'),
    TellServing: tell({ step: 'serving', packages: '{% $packages %}' }, 'Deployed'),
  };
}
