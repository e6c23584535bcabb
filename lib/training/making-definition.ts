import { CHALLENGER_VARIANT, CHAMPION_VARIANT, CONFIG_ENDING } from '../../names/variants.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import { RETRY_S3, RETRY_TRANSIENT, SDK, type State } from './states.ts';
import { placeOf } from './topology-definition.ts';

/** From a package to a model and a configuration of the endpoint, under the name of this run. */
export function makingStates(props: TrainingDefinitionProps): Record<string, State> {
  return { ...packageStates(props), ...modelStates(props) };
}

/** What a description of a model package says of who answers: null where it was registered without. */
export function packageRecord(modelName: string): string {
  const sha256 = '$states.result.CustomerMetadataProperties.model_sha256';
  const version = '$states.result.CustomerMetadataProperties.model_version';
  return `{'package_arn': $states.result.ModelPackageArn, 'model_data_url': $states.result.InferenceSpecification.Containers[0].ModelDataUrl, 'model_sha256': $exists(${sha256}) ? ${sha256} : null, 'model_version': $exists(${version}) ? ${version} : $exists(${sha256}) ? '${modelName}-' & $substring(${sha256}, 0, 12) : null}`;
}

/**
 * Whether the archive is still the one that was approved. SageMaker keeps ModelDataETag, and nowhere says that it compares
 * it. The model inside is compared once more when it is loaded, but by code of the same archive.
 */
function packageStates({ modelName }: TrainingDefinitionProps): Record<string, State> {
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
        // As the model will call itself; one that was registered without is watched by its fleet alone.
        model_version: `{% ($version := (${packageRecord(modelName)}).model_version; $version = null ? 'unknown' : $version) %}`,
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

/** A configuration of one model has its model's name, so that the one of what serves is found without being looked for. */
function modelStates(props: TrainingDefinitionProps): Record<string, State> {
  const { name, endpoint, hostingRoleArn } = props;
  const made = `{% '${name}-' & $run %}`;
  const variant = { ModelName: made, ...placeOf(endpoint) };
  return {
    CreateModel: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createModel',
      Arguments: {
        ModelName: made,
        ExecutionRoleArn: hostingRoleArn,
        PrimaryContainer: { ModelPackageName: '{% $model_package_arn %}' },
      },
      Retry: RETRY_TRANSIENT,
      Next: endpoint.experiments ? 'WhichConfig' : 'CreateEndpointConfig',
    },
    ...(endpoint.experiments ? challengerStates(name, variant) : {}),
    CreateEndpointConfig: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createEndpointConfig',
      Arguments: {
        EndpointConfigName: made,
        ProductionVariants: [{ VariantName: CHAMPION_VARIANT, ...variant, InitialVariantWeight: 1 }],
      },
      Retry: RETRY_TRANSIENT,
      Next: 'EndpointExists',
    },
  };
}

/** The champion as it serves, and beside it the new model, which answers only where it is named (TargetVariant). */
function challengerStates(name: string, variant: State): Record<string, State> {
  const config = `{% '${name}-' & $run & '${CONFIG_ENDING.experiment}' %}`;
  return {
    WhichConfig: {
      Type: 'Choice',
      Choices: [{ Condition: "{% $wanted = 'challenger' %}", Next: 'CreateChallengerConfig' }],
      Default: 'CreateEndpointConfig',
    },
    CreateChallengerConfig: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createEndpointConfig',
      Arguments: {
        EndpointConfigName: config,
        ProductionVariants: [liveVariant(), { VariantName: CHALLENGER_VARIANT, ...variant, InitialVariantWeight: 0 }],
      },
      Assign: { goal: 'challenger', target: config },
      Retry: RETRY_TRANSIENT,
      Next: 'UpdateAtOnce',
    },
  };
}

/** The champion on the machines that it has. */
export function liveVariant(): State {
  return {
    VariantName: CHAMPION_VARIANT,
    ModelName: '{% $live_model %}',
    InstanceType: '{% $live_type %}',
    InitialInstanceCount: '{% $live_instances %}',
    InitialVariantWeight: 1,
  };
}
