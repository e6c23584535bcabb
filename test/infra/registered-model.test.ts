/** What RegisterModel says of the container that will serve the model. */
import { expect, test } from '@jest/globals';
import { trainingDefinition } from '../../lib/training/training-definition.ts';

const props = {
  name: 'tidemark-prod-churn',
  buildTrainingSetJob: 'job',
  trainingSetsUri: 's3://lake/training/',
  modelsUri: 's3://lake/models/',
  useCaseUri: 's3://assets/usecase.json',
  sourceUri: 's3://assets/sources-of-today.gz',
  imageUri: 'image',
  trainingRoleArn: 'training',
  hostingRoleArn: 'hosting',
  gateFunctionArn: 'gate',
  modelPackageGroup: 'group',
  approval: 'manual',
  training: { instanceType: 'ml.m5.xlarge', volumeGiB: 30, maxRuntimeSeconds: 7200 },
  endpoint: { instanceType: 'ml.m5.large', instances: 2, variant: 'champion', canaryPercent: 10, rollbackAlarms: [] },
  pollSeconds: 30,
  trainingMetrics: [],
} as unknown as Parameters<typeof trainingDefinition>[0];

interface Registered {
  readonly States: {
    readonly RegisterModel: {
      readonly Arguments: {
        readonly InferenceSpecification: {
          readonly Containers: readonly { readonly Environment: object; readonly ModelDataETag: string }[];
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
