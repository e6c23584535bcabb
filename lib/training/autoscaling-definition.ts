import { CHALLENGER_VARIANT, CHAMPION_VARIANT } from '../../names/variants.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import type { State } from './states.ts';

const SCALING = 'arn:aws:states:::aws-sdk:applicationautoscaling';
const RETRY_SCALING = [
  {
    ErrorEquals: [
      'ApplicationAutoScaling.ConcurrentUpdateException',
      'ApplicationAutoScaling.InternalServiceException',
      'ApplicationAutoScaling.ApplicationAutoScalingException',
    ],
    IntervalSeconds: 2,
    MaxAttempts: 4,
    BackoffRate: 2,
  },
];

const targetOf = (endpoint: string, variant: string) => ({
  ServiceNamespace: 'sagemaker',
  ResourceId: `endpoint/${endpoint}/variant/${variant}`,
  ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
});

/**
 * Each variant by its own load, once the endpoint serves: there is no target before. A policy that is put and has no effect
 * makes no error, so what stands there is read again.
 */
export function autoscalingStates({ name, endpoint }: TrainingDefinitionProps, next: string): Record<string, State> {
  const { autoscaling, experiments } = endpoint;
  if (!autoscaling) return { Scaled: { Type: 'Pass', Next: next } };
  const scale = (variant: string, word: string, then: string): Record<string, State> => ({
    [`Register${word}`]: {
      Type: 'Task',
      Resource: `${SCALING}:registerScalableTarget`,
      Arguments: {
        ...targetOf(name, variant),
        MinCapacity: autoscaling.minInstances,
        MaxCapacity: autoscaling.maxInstances,
      },
      Retry: RETRY_SCALING,
      Next: `Scale${word}`,
    },
    [`Scale${word}`]: {
      Type: 'Task',
      Resource: `${SCALING}:putScalingPolicy`,
      Arguments: {
        ...targetOf(name, variant),
        PolicyName: `${name}-${variant}`,
        PolicyType: 'TargetTrackingScaling',
        TargetTrackingScalingPolicyConfiguration: {
          TargetValue: autoscaling.invocationsPerInstance,
          PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
          ScaleInCooldown: autoscaling.scaleInCooldownSeconds,
          ScaleOutCooldown: autoscaling.scaleOutCooldownSeconds,
        },
      },
      Retry: RETRY_SCALING,
      Next: `Check${word}Scaling`,
    },
    [`Check${word}Scaling`]: {
      Type: 'Task',
      Resource: `${SCALING}:describeScalingPolicies`,
      Arguments: { ...targetOf(name, variant), PolicyNames: [`${name}-${variant}`] },
      Retry: RETRY_SCALING,
      Assign: { scaling_alarms: '{% $count($states.result.ScalingPolicies.Alarms) %}' },
      Next: `${word}Scales`,
    },
    [`${word}Scales`]: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $scaling_alarms > 0 %}', Next: then }],
      Default: 'ScalingFailed',
    },
  });
  return {
    Scaled: { Type: 'Pass', Next: 'RegisterChampion' },
    ...scale(CHAMPION_VARIANT, 'Champion', experiments ? 'ChallengerToScale' : next),
    ...(experiments
      ? {
          ChallengerToScale: {
            Type: 'Choice',
            Choices: [{ Condition: "{% $challenger_package != '' %}", Next: 'RegisterChallenger' }],
            Default: next,
          },
          ...scale(CHALLENGER_VARIANT, 'Challenger', next),
        }
      : {}),
    ScalingFailed: {
      Type: 'Fail',
      Error: 'ScalingFailed',
      Cause: 'The model serves, but its scaling policy has no alarms and will never act; runbook: endpoint-scaling',
    },
  };
}

/**
 * "If the update would change the instance type for any model that is a target for auto scaling, the update fails"
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html).
 */
export function dropScaling(
  name: string,
  variant: string,
  at: { readonly state: string; readonly next: string },
): Record<string, State> {
  return {
    [at.state]: {
      Type: 'Task',
      Resource: `${SCALING}:deregisterScalableTarget`,
      Arguments: targetOf(name, variant),
      Assign: { scaling: 'dropped' },
      Retry: RETRY_SCALING,
      Catch: [
        {
          ErrorEquals: ['ApplicationAutoScaling.ObjectNotFoundException'],
          Assign: { scaling: 'dropped' },
          Next: at.next,
        },
      ],
      Next: at.next,
    },
  };
}
