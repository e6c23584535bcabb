/**
 * The training state machine in the Amazon States Language with JSONata
 * (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html). Written as data, because the paths of its
 * arguments are what a reader wants to see; permissions stand beside it in training-machine.ts.
 */

import type { TrainingDefinitionProps } from './definition-props.ts';
import { deploymentStates } from './deployment-definition.ts';
import { enteringStates } from './entering-definition.ts';
import { byMlflow, mlflowStates } from './mlflow-definition.ts';
import { RETRY_S3, RETRY_TRANSIENT, SDK, type State } from './states.ts';

/**
 * The containers make a package of our sources and `pip install` it, for which pip would fetch setuptools from PyPI: they have
 * it, so nothing has to be reached. `false` switches the isolation off, however it reads.
 */
const OFFLINE = { PIP_NO_BUILD_ISOLATION: 'false' };

/** @returns the definition as an object; strings may hold CDK tokens */
export function trainingDefinition(props: TrainingDefinitionProps): State {
  return {
    Comment: 'Training set → train → gate → register → approve → deploy',
    QueryLanguage: 'JSONata',
    StartAt: 'EnteredByApproval',
    TimeoutSeconds: 86_400,
    States: {
      ...enteringStates(props),
      ...championState(props),
      ...trainingStates(props),
      ...gateStates(props),
      ...registeringStates(props),
      ...mlflowStates(props, afterRegistering(props)),
      ...deploymentStates(props),
    },
  };
}

/** As createTrainingJob is told of it. @param uri a JSONata expression */
const channel = (name: string, contentType: string, uri: string) =>
  `{'ChannelName': '${name}', 'ContentType': '${contentType}', 'DataSource': {'S3DataSource': {'S3DataType': 'S3Prefix', 'S3DataDistributionType': 'FullyReplicated', 'S3Uri': ${uri}}}}`;

/** The model that serves, if any: the new one is measured against it on the same rows. */
function championState({ serving }: TrainingDefinitionProps): Record<string, State> {
  return {
    FindChampion: {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:s3:getObject',
      Arguments: { Bucket: serving.bucket, Key: serving.key },
      Assign: { champion_url: '{% $parse($states.result.Body).packages.champion.model_data_url %}' },
      Retry: RETRY_S3,
      Catch: [{ ErrorEquals: ['S3.NoSuchKeyException'], Assign: { champion_url: '' }, Next: 'Train' }],
      Next: 'Train',
    },
  };
}

function trainingStates(props: TrainingDefinitionProps): Record<string, State> {
  const channels = [
    ...['train', 'validation', 'test'].map((split) =>
      channel(split, 'application/x-parquet', `'${props.trainingSetsUri}' & $training_set_id & '/${split}/'`),
    ),
    channel('usecase', 'application/json', `'${props.useCaseUri}'`),
  ];
  const champion = channel('champion', 'application/x-tar', '$champion_url');
  const hyperparameters = `'sagemaker_program': 'train.py', 'sagemaker_submit_directory': '${props.sourceUri}', 'training_set_id': $training_set_id`;
  return {
    Train: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createTrainingJob.sync',
      Arguments: {
        TrainingJobName: `{% '${props.name}-' & $run %}`,
        RoleArn: props.trainingRoleArn,
        AlgorithmSpecification: {
          TrainingImage: props.trainingImageUri,
          TrainingInputMode: 'File',
          // train.py writes one line per metric: `metric auc=0.85;`
          MetricDefinitions: props.trainingMetrics.map((metric) => ({
            Name: metric,
            Regex: `metric ${metric}=([-+0-9.eE]+);`,
          })),
        },
        Environment: OFFLINE,
        HyperParameters: `{% $merge([{${hyperparameters}}, $seed = '' ? {} : {'seed': $seed}]) %}`,
        InputDataConfig: `{% $append([${channels.join(', ')}], $champion_url = '' ? [] : [${champion}]) %}`,
        OutputDataConfig: { S3OutputPath: props.modelsUri, ...(props.kmsKeyArn && { KmsKeyId: props.kmsKeyArn }) },
        ResourceConfig: {
          InstanceType: props.training.instanceType,
          InstanceCount: 1,
          VolumeSizeInGB: props.training.volumeGiB,
        },
        StoppingCondition: { MaxRuntimeInSeconds: props.training.maxRuntimeSeconds },
      },
      Assign: { model_data_url: '{% $states.result.ModelArtifacts.S3ModelArtifacts %}' },
      Next: 'Gate',
    },
  };
}

function gateStates({
  name,
  gateFunctionArn,
  mlflowFunctionArn,
  modelsUri,
  trainingSetsUri,
}: TrainingDefinitionProps): Record<string, State> {
  return {
    Gate: {
      Type: 'Task',
      Comment:
        'Is it better than baseline and champion, calibrated, fast and small enough, and not too good to be true?',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: {
        FunctionName: gateFunctionArn,
        Payload: {
          training_set_id: '{% $training_set_id %}',
          training_job_name: `{% '${name}-' & $run %}`,
          manifest_uri: `{% '${trainingSetsUri}' & $training_set_id & '/manifest.json' %}`,
          model_data_url: '{% $model_data_url %}',
          output_data_url: `{% '${modelsUri}${name}-' & $run & '/output/output.tar.gz' %}`,
        },
      },
      Retry: RETRY_TRANSIENT,
      Assign: {
        gate: "{% $sift($states.result.Payload, function($value, $name) { $name != 'card' }) %}",
        card: '{% $states.result.Payload.card %}',
      },
      Next: 'GateDecision',
    },
    GateDecision: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $gate.passed = true %}', Next: 'RegisterModel' }],
      Default: byMlflow({ mlflowFunctionArn }, 'RecordRefusedRun', 'ModelRejected'),
    },
    ModelRejected: {
      Type: 'Fail',
      Error: 'ModelRejected',
      Cause: "{% $join($gate.reasons, '; ') %}",
    },
  };
}

const afterRegistering = ({ approval }: TrainingDefinitionProps) =>
  approval === 'automatic' ? 'FindEndpoint' : 'AwaitsApproval';

function registeringStates(props: TrainingDefinitionProps): Record<string, State> {
  return {
    RegisterModel: {
      Type: 'Task',
      Resource: `${SDK}:createModelPackage`,
      Arguments: {
        ModelPackageGroupName: props.modelPackageGroup,
        ModelPackageDescription: "{% 'Training set ' & $training_set_id %}",
        ModelApprovalStatus: props.approval === 'automatic' ? 'Approved' : 'PendingManualApproval',
        CustomerMetadataProperties: '{% $gate.metadata %}',
        ModelCard: {
          ModelCardContent: '{% $card %}',
          ModelCardStatus: props.approval === 'automatic' ? 'Approved' : 'PendingReview',
        },
        InferenceSpecification: {
          Containers: [
            {
              Image: props.servingImageUri,
              ModelDataUrl: '{% $model_data_url %}',
              ModelDataETag: '{% $gate.metadata.model_etag %}',
              Environment: {
                SAGEMAKER_PROGRAM: 'inference.py',
                ...OFFLINE,
                // The model carries the code it was trained with: an endpoint must be able to start again, and an old version
                // to be deployed again, when the sources of that day are long gone.
                SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code',
                // Each worker loads the model at its first request. The only one is loaded by the health check, before it
                // is asked by anybody; two would let a customer wait, and the latency alarm roll a good model back.
                SAGEMAKER_MODEL_SERVER_WORKERS: '1',
                // What was approved is what is loaded: inference.py compares.
                TIDEMARK_MODEL_SHA256: '{% $gate.metadata.model_sha256 %}',
              },
            },
          ],
          SupportedContentTypes: ['application/json'],
          SupportedResponseMIMETypes: ['application/json'],
          SupportedRealtimeInferenceInstanceTypes: [props.endpoint.instanceType],
        },
      },
      Retry: RETRY_TRANSIENT,
      Assign: { model_package_arn: '{% $states.result.ModelPackageArn %}' },
      Next: byMlflow(props, 'RecordRun', afterRegistering(props)),
    },
    ...(props.approval === 'automatic'
      ? {}
      : {
          AwaitsApproval: {
            Type: 'Succeed',
            Comment: 'Its approval in the registry starts this machine again, with the package',
            Output: { model_package_arn: '{% $model_package_arn %}', gate: '{% $gate %}' },
          },
        }),
  };
}
