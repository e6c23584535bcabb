import { flagOf } from '../../names/jobs.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import { RETRY_TRANSIENT, type State } from './states.ts';
import { DEPLOYMENT_VARIABLES, topologyEntries } from './topology-definition.ts';

/** As the job that builds the set is told. */
const [ID, AS_OF] = [flagOf('buildTrainingSet', 'training_set_id'), flagOf('buildTrainingSet', 'as_of')];

/**
 * What the names of this execution's resources end with: twelve hexadecimal digits. An execution that a rule starts is named
 * `<uuid>_<uuid>`, 73 characters with an underscore; SageMaker allows 63 and none.
 */
const OF_THIS_RUN = {
  run: "{% $substring($hash($states.context.Execution.Name, 'SHA-256'), 0, 12) %}",
  ...DEPLOYMENT_VARIABLES,
};

/** By an approval, with a package that is only deployed; or from the beginning, when there is something to learn. */
export function enteringStates(props: TrainingDefinitionProps): Record<string, State> {
  return {
    EnteredByApproval: {
      Type: 'Choice',
      Comment: 'An approved model package comes in by event and is only deployed',
      Choices: [
        {
          Condition: '{% $exists($states.input.model_package_arn) %}',
          Assign: {
            ...OF_THIS_RUN,
            model_package_arn: '{% $states.input.model_package_arn %}',
            gate: null,
          },
          Next: 'FindEndpoint',
        },
        ...topologyEntries(props, OF_THIS_RUN),
      ],
      Default: 'Prepare',
    },
    Prepare: {
      Type: 'Pass',
      Comment: 'By a person, a schedule or drift: names/retraining.ts',
      Assign: {
        ...OF_THIS_RUN,
        training_set_id:
          '{% $exists($states.input.reuse) ? $states.input.reuse : $exists($states.input.training_set_id) ? $states.input.training_set_id : $lowercase($states.context.Execution.Name) %}',
        reuse: '{% $exists($states.input.reuse) %}',
        seed: "{% $exists($states.input.seed) ? $string($states.input.seed) : '' %}",
        as_of: "{% $exists($states.input.as_of) ? $string($states.input.as_of) : '' %}",
        by: "{% $exists($states.input.by) ? $states.input.by : 'hand' %}",
        force: '{% $states.input.force = true %}',
      },
      Next: 'Admit',
    },
    ...asking(props, 'Admit', { step: 'admit', as_of: '{% $as_of %}', seed: '{% $seed %}' }, 'TrainingSetIsThere'),
    TrainingSetIsThere: {
      Type: 'Choice',
      Comment: 'Another model of the same rows',
      Choices: [{ Condition: '{% $reuse %}', Next: 'CheckLabels' }],
      Default: 'BuildTrainingSet',
    },
    ...buildingState(props),
    ...asking(props, 'CheckLabels', { step: 'labels', training_set_id: '{% $training_set_id %}' }, 'FindChampion'),
    NotTrained: {
      Type: 'Succeed',
      Comment: 'Nothing is wrong: a training would give the model that there is, or come too soon',
      Output: '{% $admission %}',
    },
  };
}

/** Asks the function, and goes on to `next` or ends. */
function asking(
  { retrainingFunctionArn }: TrainingDefinitionProps,
  name: string,
  payload: State,
  next: string,
): Record<string, State> {
  return {
    [name]: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: {
        FunctionName: retrainingFunctionArn,
        Payload: {
          ...payload,
          execution: '{% $states.context.Execution.Id %}',
          by: '{% $by %}',
          force: '{% $force %}',
        },
      },
      Retry: RETRY_TRANSIENT,
      Assign: { admission: '{% $states.result.Payload %}' },
      Next: `${name}Decision`,
    },
    [`${name}Decision`]: {
      Type: 'Choice',
      Choices: [{ Condition: "{% $admission.decision = 'train' %}", Next: next }],
      Default: 'NotTrained',
    },
  };
}

function buildingState({ buildTrainingSetJob }: TrainingDefinitionProps): Record<string, State> {
  return {
    BuildTrainingSet: {
      Type: 'Task',
      Resource: 'arn:aws:states:::glue:startJobRun.sync',
      Arguments: {
        JobName: buildTrainingSetJob,
        Arguments: `{% $merge([{'${ID}': $training_set_id}, $as_of = '' ? {} : {'${AS_OF}': $as_of}]) %}`,
      },
      Retry: [
        {
          ErrorEquals: ['Glue.ConcurrentRunsExceededException'],
          IntervalSeconds: 60,
          MaxAttempts: 10,
          BackoffRate: 1.5,
        },
      ],
      Next: 'CheckLabels',
    },
  };
}
