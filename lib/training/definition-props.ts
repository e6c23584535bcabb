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
  readonly imageUri: string;
  readonly trainingRoleArn: string;
  readonly hostingRoleArn: string;
  readonly gateFunctionArn: string;
  /** Lets a training in, or says why not. */
  readonly retrainingFunctionArn: string;
  /** Tells MLflow; absent without one. */
  readonly mlflowFunctionArn?: string;
  readonly modelPackageGroup: string;
  readonly approval: 'automatic' | 'manual';
  /** KMS key of model artefacts; absent: the bucket's default. */
  readonly kmsKeyArn?: string;
  readonly training: { readonly instanceType: string; readonly volumeGiB: number; readonly maxRuntimeSeconds: number };
  readonly endpoint: {
    readonly instanceType: string;
    readonly instances: number;
    readonly variant: string;
    readonly canaryPercent: number;
    readonly canaryWaitSeconds: number;
    readonly terminationWaitSeconds: number;
  };
  /** Beginning of the names of alarms, with the closing slash. */
  readonly alarmPrefix: string;
  readonly pollSeconds: number;
  readonly trainingMetrics: readonly string[];
}
