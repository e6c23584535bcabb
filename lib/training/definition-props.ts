import type { EndpointConfig } from '../config/endpoint-config.ts';

/** What the states of the training state machine are made of. */
export interface TrainingDefinitionProps {
  /** Name of the endpoint, and prefix of everything the machine makes. */
  readonly name: string;
  readonly buildTrainingSetJob: string;
  /** s3://…/training/ and s3://…/models/, with the closing slash. */
  readonly trainingSetsUri: string;
  readonly modelsUri: string;
  readonly useCaseUri: string;
  readonly sourceUri: string;
  readonly trainingImageUri: string;
  readonly servingImageUri: string;
  readonly trainingRoleArn: string;
  readonly hostingRoleArn: string;
  readonly gateFunctionArn: string;
  /** Lets a training in, or says why not. */
  readonly retrainingFunctionArn: string;
  /** Tells MLflow; absent without one. */
  readonly mlflowFunctionArn?: string;
  readonly modelPackageGroup: string;
  readonly approval: 'automatic' | 'manual';
  /** KMS key of model artefacts and captured answers; absent: the bucket's default. */
  readonly kmsKeyArn?: string;
  readonly training: { readonly instanceType: string; readonly volumeGiB: number; readonly maxRuntimeSeconds: number };
  readonly endpoint: EndpointConfig;
  /** What our own metrics are counted for. */
  readonly deployment: { readonly stage: string; readonly useCase: string };
  /** Of the use case's document: its versions are called `<model>-<first 12 digits of the sha256>`. */
  readonly modelName: string;
  /** Where it is written what serves. */
  readonly serving: { readonly bucket: string; readonly key: string };
  /** Tries a model and writes down that it serves; absent where there is an endpoint. */
  readonly inProcess?: { readonly functionArn: string };
  /** Absent without `endpoint.shadow`. */
  readonly shadow?: { readonly functionArn: string; readonly captureUri: string };
  /** Beginning of the names of alarms, with the closing slash. */
  readonly alarmPrefix: string;
  readonly pollSeconds: number;
  readonly trainingMetrics: readonly string[];
}
