import { canary, putAlarm } from './canary-definition.ts';
import { cleaningStates } from './cleaning-definition.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import { ROLLBACK_ALARMS } from './rollback-alarms.ts';
import { MISSING, RETRY_S3, RETRY_TRANSIENT, SDK, type State } from './states.ts';

/** Statuses in which SageMaker refuses every change of an endpoint. */
const BUSY = "['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting']";

/** From an approved model package to an endpoint that serves it, or an error that says it does not. */
export function deploymentStates(props: TrainingDefinitionProps): Record<string, State> {
  return {
    ...findingStates(props),
    ...servingStates(props),
    ...comparingStates(),
    ...makingStates(props),
    ...changingStates(props),
    ...waitingStates(props),
    ...cleaningStates(props),
  };
}

/** Nothing is known of what serves. */
const UNKNOWN = { live_config: '', live_model: '', live_package: '', live_settings: '', live_instances: 0 };

/** What stands there: nothing, a failed endpoint, one that another execution changes, or one that serves. */
function findingStates({ name, pollSeconds }: TrainingDefinitionProps): Record<string, State> {
  return {
    FindEndpoint: {
      Type: 'Task',
      Comment:
        'SageMaker answers a missing endpoint with a general validation error; any other cause fails again in CreateEndpoint',
      Resource: `${SDK}:describeEndpoint`,
      Arguments: { EndpointName: name },
      Assign: {
        endpoint_status: '{% $states.result.EndpointStatus %}',
        live_config: "{% $exists($states.result.EndpointConfigName) ? $states.result.EndpointConfigName : '' %}",
        desired_instances:
          '{% $exists($states.result.ProductionVariants) ? $states.result.ProductionVariants[0].DesiredInstanceCount : 0 %}',
      },
      Catch: [{ ErrorEquals: MISSING, Assign: { endpoint_status: 'Missing', ...UNKNOWN }, Next: 'FindPackage' }],
      Next: 'EndpointFound',
    },
    EndpointFound: {
      Type: 'Choice',
      Choices: [
        { Condition: "{% $endpoint_status = 'Failed' %}", Next: 'DeleteFailedEndpoint' },
        { Condition: `{% $endpoint_status in ${BUSY} %}`, Next: 'WaitForTurn' },
      ],
      Default: 'FindLiveConfig',
    },
    DeleteFailedEndpoint: {
      Type: 'Task',
      Comment: 'DescribeEndpoint: "DeleteEndpoint is the only operation that can be performed on a failed endpoint"',
      Resource: `${SDK}:deleteEndpoint`,
      Arguments: { EndpointName: name },
      Retry: RETRY_TRANSIENT,
      Next: 'WaitForTurn',
    },
    WaitForTurn: { Type: 'Wait', Seconds: pollSeconds, Next: 'FindEndpoint' },
  };
}

/** Which package is served, and how: what is served already is not deployed again. */
function servingStates({ endpoint, hostingRoleArn }: TrainingDefinitionProps): Record<string, State> {
  return {
    FindLiveConfig: {
      Type: 'Task',
      Resource: `${SDK}:describeEndpointConfig`,
      Arguments: { EndpointConfigName: '{% $live_config %}' },
      Assign: {
        live_model: '{% $states.result.ProductionVariants[0].ModelName %}',
        live_instances: '{% $states.result.ProductionVariants[0].InitialInstanceCount %}',
        live_settings: `{% $string($states.result.ProductionVariants[0].[InstanceType, InitialInstanceCount]) %}`,
      },
      Retry: RETRY_TRANSIENT,
      // Deleted by hand: it goes on serving, but says no longer what.
      Catch: [{ ErrorEquals: MISSING, Assign: UNKNOWN, Next: 'LiveModelKnown' }],
      Next: 'FindLiveModel',
    },
    FindLiveModel: {
      Type: 'Task',
      Resource: `${SDK}:describeModel`,
      Arguments: { ModelName: '{% $live_model %}' },
      Assign: {
        live_package:
          "{% $exists($states.result.PrimaryContainer.ModelPackageName) ? $states.result.PrimaryContainer.ModelPackageName : '' %}",
        live_settings: '{% $live_settings & $states.result.ExecutionRoleArn %}',
      },
      Retry: RETRY_TRANSIENT,
      Catch: [{ ErrorEquals: MISSING, Assign: UNKNOWN, Next: 'LiveModelKnown' }],
      Next: 'LiveModelKnown',
    },
    LiveModelKnown: {
      Type: 'Choice',
      Comment:
        'EventBridge and SageMaker may tell one approval more than once: what is served already is not deployed again',
      Choices: [
        {
          Condition: `{% $live_package = $model_package_arn and $live_settings = $string(['${endpoint.instanceType}', ${endpoint.instances}]) & '${hostingRoleArn}' %}`,
          Assign: { model_name: '{% $live_model %}', serving_config: '{% $live_config %}' },
          Next: 'AfterServing',
        },
        { Condition: "{% $refusal != '' %}", Next: 'AfterFailing' },
      ],
      Default: 'FindPackage',
    },
  };
}

/**
 * Whether the archive is still the one that was approved. SageMaker keeps ModelDataETag, and nowhere says that it compares
 * it. The model inside is compared once more when it is loaded, but by code of the same archive.
 */
function comparingStates(): Record<string, State> {
  const object = "$substringAfter($model_data_url, 's3://')";
  return {
    FindPackage: {
      Type: 'Task',
      Resource: `${SDK}:describeModelPackage`,
      Arguments: { ModelPackageName: '{% $model_package_arn %}' },
      Assign: {
        model_data_url: '{% $states.result.InferenceSpecification.Containers[0].ModelDataUrl %}',
        approved_etag:
          "{% ($etag := $states.result.InferenceSpecification.Containers[0].ModelDataETag; $exists($etag) ? $replace($etag, '\"', '') : '') %}",
      },
      Retry: RETRY_TRANSIENT,
      Next: 'ArchiveBound',
    },
    ArchiveBound: {
      Type: 'Choice',
      Comment: 'Packages that were registered before ETags were kept have none',
      Choices: [{ Condition: "{% $approved_etag != '' %}", Next: 'CompareArchive' }],
      Default: 'CreateModel',
    },
    CompareArchive: {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:s3:headObject',
      Arguments: {
        Bucket: `{% $substringBefore(${object}, '/') %}`,
        Key: `{% $substringAfter(${object}, '/') %}`,
        IfMatch: `{% '"' & $approved_etag & '"' %}`,
      },
      Retry: RETRY_S3,
      // Any answer but yes is a refusal, whatever Step Functions calls it: only the words look at the status.
      Catch: [
        {
          ErrorEquals: ['States.ALL'],
          Assign: {
            endpoint_config: '{% $live_config %}',
            failure: '',
            refusal:
              "{% $model_data_url & ($contains($states.errorOutput.Cause, 'Status Code: 412') ? ' is another object than the one that was approved' : ' cannot be compared with the one that was approved (' & $states.errorOutput.Error & ', ' & $states.errorOutput.Cause & ')') & ': delete the versions above the approved one and start again, or train and approve another' %}",
          },
          Next: 'AfterFailing',
        },
      ],
      Next: 'CreateModel',
    },
  };
}

function makingStates(props: TrainingDefinitionProps): Record<string, State> {
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
      Next: 'EndpointExists',
    },
    EndpointExists: {
      Type: 'Choice',
      Choices: [{ Condition: "{% $endpoint_status = 'Missing' %}", Next: 'CreateEndpoint' }],
      Default: endpoint.canaryPercent === 0 ? 'UpdateEndpoint' : `Put${ROLLBACK_ALARMS[0]?.name}`,
    },
  };
}

function changingStates({ name, endpoint, alarmPrefix }: TrainingDefinitionProps): Record<string, State> {
  const made = `{% '${name}-' & $run %}`;
  const alarms = endpoint.canaryPercent === 0 ? [] : ROLLBACK_ALARMS;
  return {
    CreateEndpoint: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createEndpoint',
      Arguments: { EndpointName: name, EndpointConfigName: made },
      Retry: RETRY_TRANSIENT,
      Next: 'WaitForEndpoint',
    },
    ...Object.fromEntries(
      alarms.map((alarm, index) => [
        `Put${alarm.name}`,
        putAlarm(alarm, { alarmPrefix, name, variant: endpoint.variant, next: alarms[index + 1] }),
      ]),
    ),
    UpdateEndpoint: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:updateEndpoint',
      Arguments: {
        EndpointName: name,
        EndpointConfigName: made,
        // Instances that somebody added by hand stay, until the stage's configuration asks for another number than it did.
        RetainAllVariantProperties: true,
        ExcludeRetainedVariantProperties: `{% $live_instances = ${endpoint.instances} and $desired_instances > ${endpoint.instances} ? [] : [{'VariantPropertyType': 'DesiredInstanceCount'}] %}`,
        ...(endpoint.canaryPercent === 0 ? {} : { DeploymentConfig: canary(endpoint, alarmPrefix) }),
      },
      Retry: RETRY_TRANSIENT,
      // Also when another execution was faster: then the wait shows what it made of the endpoint.
      Catch: [
        {
          ErrorEquals: ['States.ALL'],
          Assign: {
            refusal: "{% 'UpdateEndpoint: ' & $states.errorOutput.Error & ', ' & $states.errorOutput.Cause %}",
          },
          Next: 'WaitForEndpoint',
        },
      ],
      Next: 'WaitForEndpoint',
    },
  };
}

function waitingStates({ name, pollSeconds }: TrainingDefinitionProps): Record<string, State> {
  return {
    WaitForEndpoint: { Type: 'Wait', Seconds: pollSeconds, Next: 'DescribeEndpoint' },
    DescribeEndpoint: {
      Type: 'Task',
      Resource: `${SDK}:describeEndpoint`,
      Arguments: { EndpointName: name },
      Retry: RETRY_TRANSIENT,
      Assign: {
        endpoint_status: '{% $states.result.EndpointStatus %}',
        endpoint_config: "{% $exists($states.result.EndpointConfigName) ? $states.result.EndpointConfigName : '' %}",
        failure: "{% $exists($states.result.FailureReason) ? ': ' & $states.result.FailureReason : '' %}",
      },
      Next: 'EndpointReady',
    },
    EndpointReady: {
      Type: 'Choice',
      Comment: 'After a roll-back the endpoint is InService too: what counts is whose configuration it has',
      Choices: [
        {
          Condition: `{% $endpoint_status = 'InService' and $endpoint_config = '${name}-' & $run %}`,
          Assign: { model_name: `{% '${name}-' & $run %}`, serving_config: '{% $endpoint_config %}' },
          Next: 'AfterServing',
        },
        { Condition: `{% $endpoint_status in ${BUSY} %}`, Next: 'WaitForEndpoint' },
        {
          Condition: "{% $endpoint_status = 'InService' and $refusal != '' %}",
          Assign: { live_config: '{% $endpoint_config %}' },
          Next: 'FindLiveConfig',
        },
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
        model_package_arn: '{% $model_package_arn %}',
        model_name: '{% $model_name %}',
        gate: '{% $gate %}',
      },
    },
  };
}
