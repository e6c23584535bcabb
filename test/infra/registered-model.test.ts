/** What RegisterModel says of the container that will serve the model. */
import { expect, test } from '@jest/globals';
import { trainingDefinition } from '../../lib/training/training-definition.ts';
import { awsAnswer } from '../conformance/aws.ts';

const props = {
  name: 'tidemark-prod-churn',
  buildTrainingSetJob: 'job',
  trainingSetsUri: 's3://lake/training/',
  modelsUri: 's3://lake/models/',
  useCaseUri: 's3://assets/usecase.json',
  sourceUri: 's3://assets/sources-of-today.gz',
  trainingImageUri: 'training-image',
  servingImageUri: 'image',
  trainingRoleArn: 'training',
  hostingRoleArn: 'hosting',
  gateFunctionArn: 'gate',
  serving: { bucket: 'lake', key: 'serving/churn.json' },
  deployment: { stage: 'prod', useCase: 'churn' },
  retrainingFunctionArn: 'retraining',
  modelPackageGroup: 'group',
  approval: 'manual',
  training: { instanceType: 'ml.m5.xlarge', volumeGiB: 30, maxRuntimeSeconds: 7200 },
  endpoint: { instanceType: 'ml.m5.large', instances: 2, variant: 'champion', canaryPercent: 10, rollbackAlarms: [] },
  pollSeconds: 30,
  trainingMetrics: [],
} as unknown as Parameters<typeof trainingDefinition>[0];

interface Registered {
  readonly States: {
    readonly Train: {
      readonly Arguments: {
        readonly AlgorithmSpecification: { readonly TrainingImage: string };
        readonly Environment: Readonly<Record<string, string>>;
      };
    };
    readonly RegisterModel: {
      readonly Arguments: {
        readonly InferenceSpecification: {
          readonly Containers: readonly {
            readonly Image: string;
            readonly Environment: Readonly<Record<string, string>>;
            readonly ModelDataETag: string;
          }[];
        };
      };
    };
  };
}

test('a registered model serves by the code inside it, whatever is deployed later', () => {
  const { RegisterModel } = (trainingDefinition(props) as unknown as Registered).States;
  const { InferenceSpecification } = RegisterModel.Arguments;
  expect(InferenceSpecification.Containers.map(({ Environment }) => Environment)).toEqual([
    {
      SAGEMAKER_PROGRAM: 'inference.py',
      PIP_NO_BUILD_ISOLATION: 'false',
      SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code',
      TIDEMARK_MODEL_SHA256: '{% $gate.metadata.model_sha256 %}',
      SAGEMAKER_MODEL_SERVER_WORKERS: '1',
    },
  ]);
  expect(InferenceSpecification.Containers.map(({ ModelDataETag }) => ModelDataETag)).toEqual([
    '{% $gate.metadata.model_etag %}',
  ]);
  // The sources of today are what trains, and nothing else.
  const text = JSON.stringify(trainingDefinition(props));
  expect(text.split('sources-of-today')).toHaveLength(2);
});

test('a model is trained in the image of its framework and served by that of XGBoost, neither with a network', () => {
  const { Train, RegisterModel } = (trainingDefinition(props) as unknown as Registered).States;
  const [container] = RegisterModel.Arguments.InferenceSpecification.Containers;
  expect(Train.Arguments.AlgorithmSpecification.TrainingImage).toBe('training-image');
  expect(container?.Image).toBe('image');
  const installs = awsAnswer<Record<string, boolean>>('sagemaker-container.package-without-network');
  for (const { Environment } of [Train.Arguments, container!])
    expect(installs[Environment.PIP_NO_BUILD_ISOLATION ?? '']).toBe(true);
});
