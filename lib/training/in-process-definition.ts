/**
 * From an approved model package to functions that ask it in themselves, in the place of an endpoint's states: a function loads
 * the model as all others will and writes down that it serves, and within a minute they take it from there.
 */
import type { TrainingDefinitionProps } from './definition-props.ts';
import { byMlflow } from './mlflow-definition.ts';
import { RETRY_TRANSIENT, SDK, type State } from './states.ts';
import { experimentsOff } from './topology-definition.ts';

/** @param functionArn of lambdas/in-process */
export function inProcessStates(
  props: Pick<TrainingDefinitionProps, 'name' | 'endpoint' | 'mlflowFunctionArn'>,
  functionArn: string,
): Record<string, State> {
  const { name, endpoint } = props;
  const load = (Payload: State): State => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: functionArn, Payload },
    Retry: RETRY_TRANSIENT,
    Assign: { refusal: '{% $states.result.Payload.refusal %}', packages: '{% $states.result.Payload.packages %}' },
    Next: 'ModelServes',
  });
  return {
    FindEndpoint: {
      Type: 'Choice',
      Comment: 'There is none: functions load the model that serving/<use case>.json of the lake names',
      Choices: [{ Condition: "{% $wanted = 'one' %}", Next: 'LeaveChallenger' }],
      Default: 'FindPackage',
    },
    LeaveChallenger: load({ wanted: 'one' }),
    FindPackage: {
      Type: 'Task',
      Resource: `${SDK}:describeModelPackage`,
      Arguments: { ModelPackageName: '{% $model_package_arn %}' },
      Assign: {
        model_data_url: '{% $states.result.InferenceSpecification.Containers[0].ModelDataUrl %}',
        model_sha256:
          "{% $exists($states.result.CustomerMetadataProperties.model_sha256) ? $states.result.CustomerMetadataProperties.model_sha256 : '' %}",
      },
      Retry: RETRY_TRANSIENT,
      Next: 'LoadModel',
    },
    LoadModel: load({
      wanted: '{% $wanted %}',
      model_package_arn: '{% $model_package_arn %}',
      model_data_url: '{% $model_data_url %}',
      model_sha256: '{% $model_sha256 %}',
    }),
    ModelServes: {
      Type: 'Choice',
      Choices: [{ Condition: "{% $refusal != '' %}", Next: 'DeploymentFailed' }],
      Default: byMlflow(props, 'TellServing', 'Deployed'),
    },
    ...experimentsOff(endpoint),
    DeploymentFailed: {
      Type: 'Fail',
      Error: 'DeploymentFailed',
      Cause: "{% 'The new model does not serve, and the one before goes on. ' & $refusal %}",
    },
    Deployed: {
      Type: 'Succeed',
      Output: { endpoint_name: name, model_package_arn: '{% $model_package_arn %}', gate: '{% $gate %}' },
    },
  };
}
