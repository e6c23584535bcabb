/**
 * From an approved model package to functions that ask it in themselves, in the place of an endpoint's states: a function loads
 * the model as all others will and writes down that it serves, and within a minute they take it from there.
 */
import type { TrainingDefinitionProps } from './definition-props.ts';
import { RETRY_TRANSIENT, SDK, type State } from './states.ts';

const INPUT = '$states.context.Execution.Input';

/** @param functionArn of lambdas/in-process */
export function inProcessStates(
  { name }: Pick<TrainingDefinitionProps, 'name'>,
  functionArn: string,
): Record<string, State> {
  const load = (Payload: State): State => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: functionArn, Payload },
    Retry: RETRY_TRANSIENT,
    Assign: { refusal: '{% $states.result.Payload.refusal %}' },
    Next: 'ModelServes',
  });
  return {
    FindEndpoint: {
      Type: 'Pass',
      Comment: 'There is none: functions load the model that serving/<use case>.json of the lake names',
      Assign: {
        wanted: `{% $exists(${INPUT}.challenger_package_arn) ? 'challenger' : ${INPUT}.end_experiment = true ? 'one' : 'champion' %}`,
      },
      Next: 'PackageWanted',
    },
    PackageWanted: {
      Type: 'Choice',
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
          "{% ($sha := $states.result.CustomerMetadataProperties.model_sha256; $exists($sha) ? $sha : '') %}",
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
      Default: 'Deployed',
    },
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
