import type { TrainingDefinitionProps } from './definition-props.ts';
import { BUSY, MISSING, pollLimit, SDK, type State } from './states.ts';

/** Until the endpoint is what this run makes of it, or is not and says why. */
export function waitingStates(props: TrainingDefinitionProps): Record<string, State> {
  return { ...lookingStates(props), ...endingStates(props) };
}

function lookingStates(props: TrainingDefinitionProps): Record<string, State> {
  const { name, pollSeconds } = props;
  return {
    WaitForEndpoint: { Type: 'Wait', Seconds: pollSeconds, Next: 'DescribeEndpoint' },
    DescribeEndpoint: {
      Type: 'Task',
      Resource: `${SDK}:describeEndpoint`,
      Arguments: { EndpointName: name },
      Assign: {
        endpoint_status: '{% $states.result.EndpointStatus %}',
        endpoint_config: "{% $exists($states.result.EndpointConfigName) ? $states.result.EndpointConfigName : '' %}",
        failure: "{% $exists($states.result.FailureReason) ? ': ' & $states.result.FailureReason : '' %}",
        polls: '{% $polls + 1 %}',
      },
      // Somebody deleted it meanwhile. A passing error of the service has the same name: the next look tells.
      Catch: [
        {
          ErrorEquals: MISSING,
          Assign: {
            endpoint_status: "{% $endpoint_status = 'Vanishing' ? 'Missing' : 'Vanishing' %}",
            failure: "{% ': ' & $states.errorOutput.Cause & '; runbook: endpoint-gone' %}",
            polls: '{% $polls + 1 %}',
          },
          Next: 'EndpointReady',
        },
      ],
      Next: 'EndpointReady',
    },
    EndpointReady: {
      Type: 'Choice',
      Comment: 'After a roll-back the endpoint is InService too: what counts is whose configuration it has',
      Choices: [
        { Condition: "{% $endpoint_status = 'InService' and $endpoint_config = $target %}", Next: 'Changed' },
        { Condition: `{% $endpoint_status in ${BUSY} and $polls > ${pollLimit(props)} %}`, Next: 'StuckEndpoint' },
        { Condition: `{% $endpoint_status = 'Vanishing' or $endpoint_status in ${BUSY} %}`, Next: 'WaitForEndpoint' },
        {
          Condition: "{% $endpoint_status = 'InService' and $refusal != '' and $goal = 'deploy' %}",
          Assign: { live_config: '{% $endpoint_config %}' },
          Next: 'FindLiveConfig',
        },
        {
          // A mix of both fleets serves: the last good configuration, all at once, puts it right.
          Condition: "{% $endpoint_status = 'UpdateRollbackFailed' and $not($restored) and $live_config != '' %}",
          Assign: {
            ...{ goal: 'restore', target: '{% $live_config %}', restored: true },
            refusal: "{% 'The roll-back had failed too' & $failure & '; the configuration before was put back' %}",
          },
          Next: 'UpdateAtOnce',
        },
      ],
      Default: 'AfterFailing',
    },
  };
}

function endingStates({ name, endpoint }: TrainingDefinitionProps): Record<string, State> {
  const to = (goal: string, Next: string, Assign?: State) => ({
    Condition: `{% $goal = '${goal}' %}`,
    ...(Assign && { Assign }),
    Next,
  });
  const serving_config = '{% $target %}';
  return {
    Changed: {
      Type: 'Choice',
      Choices: [
        to('deploy', 'AfterServing', { serving_config, champion_package: '{% $model_package_arn %}' }),
        to('challenger', 'AfterServing', {
          ...{ serving_config, champion_package: '{% $live_package %}' },
          challenger_package: '{% $model_package_arn %}',
        }),
        to('one', 'AfterServing', { serving_config, champion_package: '{% $live_package %}' }),
        to('again', 'FindEndpoint'),
        ...(endpoint.shadow
          ? [
              to('shadow', 'ShadowListens', { shadow_since: '{% $states.context.State.EnteredTime %}' }),
              to('unshadow', 'CompareShadow'),
            ]
          : []),
      ],
      Default: 'AfterFailing',
    },
    DeploymentFailed: {
      Type: 'Fail',
      Error: 'DeploymentFailed',
      Cause:
        "{% 'The endpoint is ' & $endpoint_status & ' with configuration ' & $endpoint_config & ': the new model does not serve' & $failure & ($refusal = '' ? '' : '. ' & $refusal) %}",
    },
    Deployed: {
      Type: 'Succeed',
      Output: {
        endpoint_name: name,
        model_package_arn: '{% $champion_package %}',
        challenger_package_arn: "{% $challenger_package = '' ? null : $challenger_package %}",
        model_name: `{% $serving_config %}`,
        gate: '{% $gate %}',
      },
    },
  };
}
