import { CHALLENGER_VARIANT } from '../../names/variants.ts';
import { dropScaling } from './autoscaling-definition.ts';
import { guarded, putAlarm } from './canary-definition.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import { ROLLBACK_ALARMS } from './rollback-alarms.ts';
import { RETRY_TRANSIENT, type State } from './states.ts';

/** The endpoint takes another configuration: with alarms that take it back, or all at once. */
export function changingStates(props: TrainingDefinitionProps): Record<string, State> {
  return { ...beginningStates(props), ...updatingStates(props) };
}

/** All at once also where the last change left a mix of both fleets: only that puts it right. */
function beginningStates({ name, endpoint }: TrainingDefinitionProps): Record<string, State> {
  const made = `{% '${name}-' & $run %}`;
  const change = { goal: 'deploy', target: made };
  const { autoscaling, experiments } = endpoint;
  const otherType = `$live_type != '' and $live_type != '${endpoint.instanceType}' and $scaling = 'kept'`;
  const guards = endpoint.canaryPercent === 0 ? 'UpdateEndpoint' : `Put${ROLLBACK_ALARMS[0]?.name}`;
  return {
    EndpointExists: {
      Type: 'Choice',
      Choices: [
        { Condition: "{% $endpoint_status = 'Missing' %}", Assign: change, Next: 'CreateEndpoint' },
        ...(autoscaling ? [{ Condition: `{% ${otherType} %}`, Next: 'DropScaling' }] : []),
        {
          Condition: "{% $endpoint_status in ['UpdateRollbackFailed', 'OutOfService'] %}",
          Assign: change,
          Next: 'UpdateAtOnce',
        },
        ...(endpoint.shadow ? [{ Condition: '{% $not($observed) %}', Next: 'CreateShadowConfig' }] : []),
      ],
      Default: 'Guards',
    },
    Guards: { Type: 'Pass', Assign: change, Next: guards },
    ...(autoscaling ? dropScaling(name, 'champion', { state: 'DropScaling', next: 'EndpointExists' }) : {}),
    // A target of a variant that is gone would stay, and be that of the next challenger.
    ...(autoscaling && experiments
      ? dropScaling(name, CHALLENGER_VARIANT, { state: 'BeforeEnding', next: 'UpdateAtOnce' })
      : { BeforeEnding: { Type: 'Pass', Next: 'UpdateAtOnce' } }),
    CreateEndpoint: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createEndpoint',
      Arguments: { EndpointName: name, EndpointConfigName: '{% $target %}' },
      Retry: RETRY_TRANSIENT,
      Assign: { polls: 0 },
      Next: 'WaitForEndpoint',
    },
  };
}

function updatingStates({ name, endpoint, alarmPrefix, deployment }: TrainingDefinitionProps): Record<string, State> {
  const alarms = endpoint.canaryPercent === 0 ? [] : ROLLBACK_ALARMS;
  const { instances, autoscaling } = endpoint;
  const update = (more: State) => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::sagemaker:updateEndpoint',
    Arguments: {
      EndpointName: name,
      EndpointConfigName: '{% $target %}',
      RetainAllVariantProperties: true,
      ...more,
    },
    Retry: RETRY_TRANSIENT,
    Assign: { polls: 0 },
    // Also when another execution was faster: then the wait shows what it made of the endpoint.
    Catch: [
      {
        ErrorEquals: ['States.ALL'],
        Assign: {
          polls: 0,
          refusal: "{% 'UpdateEndpoint: ' & $states.errorOutput.Error & ', ' & $states.errorOutput.Cause %}",
        },
        Next: 'WaitForEndpoint',
      },
    ],
    Next: 'WaitForEndpoint',
  });
  return {
    ...Object.fromEntries(
      alarms.map((alarm, index) => [
        `Put${alarm.name}`,
        putAlarm(alarm, {
          ...{ alarmPrefix, name, deployment, next: alarms[index + 1] },
          most: endpoint.maxScoreShift,
        }),
      ]),
    ),
    UpdateEndpoint: update({
      // Instances that somebody added by hand stay, until the stage's configuration asks for another number than it did.
      ExcludeRetainedVariantProperties: autoscaling
        ? []
        : `{% $live_instances = ${instances} and $desired_instances > ${instances} ? [] : [{'VariantPropertyType': 'DesiredInstanceCount'}] %}`,
      ...(alarms.length === 0 ? {} : { DeploymentConfig: guarded(endpoint, alarmPrefix) }),
    }),
    // The weights are those of the topology that comes; the counts stay.
    UpdateAtOnce: update({ ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredWeight' }] }),
  };
}
