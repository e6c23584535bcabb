import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { BatchJobs } from '../batch/batch-jobs.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { ScoringEndpoint } from '../serving/scoring-endpoint.ts';
import { TrainingMachine } from '../training/training-machine.ts';
import type { StorageStack } from './storage-stack.ts';

/** The batch side: Spark jobs, and where the use case has a model the state machine that trains and deploys it. */
export class TrainingStack extends TidemarkStack {
  readonly alarms: AlarmRegistry;
  /** Absent without a model. */
  readonly machine?: IStateMachine;

  constructor(scope: Construct, id: string, props: TidemarkStackProps & { readonly storage: StorageStack }) {
    super(scope, id, { ...props, stateful: false });
    const { deployment, storage } = props;
    const { key, lake, catalog, features, stream, registry, alarmTopic } = storage;
    this.alarms = new AlarmRegistry(this, 'Alarms', { deployment, topic: alarmTopic });
    const common = { deployment, alarms: this.alarms, key, lake };
    const useCase = new CodeAsset(this, 'UseCase', { path: deployment.useCase.document });
    const jobs = new BatchJobs(this, 'Batch', { ...common, alarmTopic, catalog, features, stream, useCase });
    const { buildTrainingSet, checkConsistency } = jobs;
    if (registry && buildTrainingSet) {
      const endpoint = new ScoringEndpoint(this, 'Endpoint', { deployment });
      const { outdir } = props;
      const training = new TrainingMachine(this, 'Training', {
        ...{ ...common, registry, endpoint, buildTrainingSet, useCase, outdir },
      });
      this.machine = training.machine;
      const { stateMachineArn } = training.machine;
      this.output('trainingStateMachine', stateMachineArn, 'Trains, gates, registers and deploys a model');
      this.output('endpoint', endpoint.endpointName, 'SageMaker endpoint, made by the first training');
    }

    this.output('landHistoryJob', jobs.landHistory.job.jobName, 'Glue job: history files into events');
    this.output('compactArchiveJob', jobs.compactArchive.job.jobName, 'Glue job: archive into the Iceberg tables');
    this.output('backfillStatesJob', jobs.backfillStates.job.jobName, 'Glue job: states from all events');
    if (buildTrainingSet) this.output('buildTrainingSetJob', buildTrainingSet.job.jobName, 'Glue job: training set');
    this.output('eraseEntityJob', jobs.eraseEntity.job.jobName, 'Glue job: erases entities from the lake');
    this.output('featuresAtJob', jobs.featuresAt.job.jobName, 'Glue job: features of an entity at an instant');
    this.output(
      'healStatesJob',
      jobs.healStates.job.jobName,
      'Glue job: states compared with their events, and mended',
    );
    this.output('applyRetentionJob', jobs.applyRetention.job.jobName, 'Glue job: what is too old goes');
    this.output('maintainTablesJob', jobs.maintainTables.job.jobName, 'Glue job: care of the Iceberg tables');
    if (checkConsistency) {
      this.output('checkConsistencyJob', checkConsistency.job.jobName, 'Glue job: served vectors replayed offline');
    }
    this.output('useCase', useCase.s3ObjectUrl, 'Compiled use case that the jobs read');
  }
}
