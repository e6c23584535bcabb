import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { BatchJobs } from '../batch/batch-jobs.ts';
import { BATCH_JOBS } from '../batch/jobs.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { ScoringEndpoint } from '../serving/scoring-endpoint.ts';
import { TrainingMachine } from '../training/training-machine.ts';
import type { StorageStack } from './storage-stack.ts';

export interface TrainingStackProps extends TidemarkStackProps {
  readonly storage: StorageStack;
  /** Archive of the code that trains and serves. */
  readonly modelSource: string;
}

/** The batch side: Spark jobs, and where the use case has a model the state machine that trains and deploys it. */
export class TrainingStack extends TidemarkStack {
  readonly alarms: AlarmRegistry;
  readonly jobs: BatchJobs;
  /** Absent without a model. */
  readonly machine?: IStateMachine;

  constructor(scope: Construct, id: string, props: TrainingStackProps) {
    super(scope, id, { ...props, stateful: false });
    const { deployment, storage } = props;
    const { key, lake, catalog, features, scores, stream, registry, mlflow, alarmTopic } = storage;
    this.alarms = new AlarmRegistry(this, 'Alarms', { deployment, topic: alarmTopic });
    const common = { deployment, alarms: this.alarms, key, lake };
    const useCase = new CodeAsset(this, 'UseCase', { path: deployment.useCase.document });
    const jobs = new BatchJobs(this, 'Batch', { ...common, alarmTopic, catalog, features, scores, stream, useCase });
    this.jobs = jobs;
    if (registry) {
      const buildTrainingSet = jobs.get('buildTrainingSet');
      const endpoint = new ScoringEndpoint(this, 'Endpoint', { deployment });
      const { modelSource } = props;
      const training = new TrainingMachine(this, 'Training', {
        ...{ ...common, catalog, features, registry, endpoint, buildTrainingSet, useCase, modelSource, mlflow },
      });
      this.machine = training.machine;
      const { stateMachineArn } = training.machine;
      this.output('trainingStateMachine', stateMachineArn, 'Trains, gates, registers and deploys a model');
      if (training.mlflow)
        this.output('mlflowTrackingUri', training.mlflow.trackingUri, 'What mlflow.set_tracking_uri takes');
      if (deployment.stage.endpoint.mode !== 'in-process')
        this.output('endpoint', endpoint.endpointName, 'SageMaker endpoint, made by the first training');
    }

    for (const [name, { job }] of jobs.all)
      this.output(`${name}Job`, job.jobName, `Glue job: ${BATCH_JOBS[name].output}`);
    this.output('useCase', useCase.s3ObjectUrl, 'Compiled use case that the jobs read');
  }
}
