import { RETRY_TRANSIENT, SDK, type State } from './states.ts';
import type { TrainingDefinitionProps } from './training-definition.ts';

/** From an approved model package to an endpoint that serves it, or an error that says it does not. */
export function deploymentStates(props: TrainingDefinitionProps): Record<string, State> {
  const { name, endpoint } = props;
  const made = `{% '${name}-' & $run %}`;
  return {
    CreateModel: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createModel',
      Arguments: {
        ModelName: made,
        ExecutionRoleArn: props.hostingRoleArn,
        PrimaryContainer: { ModelPackageName: '{% $model_package_arn %}' },
      },
      Retry: RETRY_TRANSIENT,
      Next: 'CreateEndpointConfig',
    },
    CreateEndpointConfig: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createEndpointConfig',
      Arguments: {
        EndpointConfigName: made,
        ProductionVariants: [
          {
            VariantName: endpoint.variant,
            ModelName: made,
            InstanceType: endpoint.instanceType,
            InitialInstanceCount: endpoint.instances,
            InitialVariantWeight: 1,
          },
        ],
      },
      Retry: RETRY_TRANSIENT,
      Next: 'FindEndpoint',
    },
    FindEndpoint: {
      Type: 'Task',
      Comment:
        'SageMaker answers a missing endpoint with a general validation error; any other cause fails again in CreateEndpoint',
      Resource: `${SDK}:describeEndpoint`,
      Arguments: { EndpointName: name },
      Catch: [{ ErrorEquals: ['SageMaker.SageMakerException'], Next: 'CreateEndpoint' }],
      Next: 'UpdateEndpoint',
    },
    CreateEndpoint: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createEndpoint',
      Arguments: { EndpointName: name, EndpointConfigName: made },
      Retry: RETRY_TRANSIENT,
      Next: 'WaitForEndpoint',
    },
    UpdateEndpoint: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:updateEndpoint',
      Arguments: {
        EndpointName: name,
        EndpointConfigName: made,
        ...(endpoint.canaryPercent === 0 ? {} : { DeploymentConfig: canary(endpoint) }),
      },
      Retry: RETRY_TRANSIENT,
      Next: 'WaitForEndpoint',
    },
    WaitForEndpoint: { Type: 'Wait', Seconds: props.pollSeconds, Next: 'DescribeEndpoint' },
    DescribeEndpoint: {
      Type: 'Task',
      Resource: `${SDK}:describeEndpoint`,
      Arguments: { EndpointName: name },
      Retry: RETRY_TRANSIENT,
      Assign: {
        endpoint_status: '{% $states.result.EndpointStatus %}',
        endpoint_config: "{% $exists($states.result.EndpointConfigName) ? $states.result.EndpointConfigName : '' %}",
      },
      Next: 'EndpointReady',
    },
    EndpointReady: {
      Type: 'Choice',
      Choices: [
        {
          Condition: `{% $endpoint_status = 'InService' and $endpoint_config = '${name}-' & $run %}`,
          Next: 'Deployed',
        },
        {
          Condition: "{% $endpoint_status in ['Creating', 'Updating', 'SystemUpdating', 'RollingBack'] %}",
          Next: 'WaitForEndpoint',
        },
      ],
      Default: 'DeploymentFailed',
    },
    DeploymentFailed: {
      Type: 'Fail',
      Error: 'DeploymentFailed',
      Cause:
        "{% 'The endpoint is ' & $endpoint_status & ' with configuration ' & $endpoint_config & ': the new model does not serve' %}",
    },
    Deployed: {
      Type: 'Succeed',
      Output: {
        endpoint_name: name,
        model_package_arn: '{% $model_package_arn %}',
        model_name: made,
        gate: '{% $gate %}',
      },
    },
  };
}

/** Blue/green: a part of the traffic first, back at once when an alarm of the endpoint rings. */
function canary(endpoint: TrainingDefinitionProps['endpoint']): State {
  return {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: {
        Type: 'CANARY',
        CanarySize: { Type: 'CAPACITY_PERCENT', Value: endpoint.canaryPercent },
        WaitIntervalInSeconds: 600,
      },
      TerminationWaitInSeconds: 300,
      MaximumExecutionTimeoutInSeconds: 7200,
    },
    AutoRollbackConfiguration: { Alarms: endpoint.rollbackAlarms.map((AlarmName) => ({ AlarmName })) },
  };
}
