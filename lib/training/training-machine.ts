import { Duration, Stack } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Role } from 'aws-cdk-lib/aws-iam';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Framework } from '../../core/ir/document.ts';
import { requireModel } from '../../core/ir/parts.ts';
import type { Env } from '../../lambdas/model-gate/env.ts';
import { objectKey, PREFIX } from '../../names/lake.ts';
import { SERVICE, TRAINING_METRICS } from '../../names/metrics.ts';
import type { SparkJob } from '../batch/spark-job.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OfflineCatalog } from '../feature-store/offline-catalog.ts';
import type { OnlineTable } from '../feature-store/tables.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { forOwnAccount } from '../foundation/own-account.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { VendedLogs } from '../foundation/vended-logs.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';
import type { ScoringEndpoint } from '../serving/scoring-endpoint.ts';
import { type FrameworkImage, frameworkImage, SERVES } from './framework-images.ts';
import { InProcessDeployment } from './in-process-deployment.ts';
import { grantMachine } from './machine-grants.ts';
import { Mlflow, type MlflowPlace } from './mlflow.ts';
import type { ModelRegistry } from './model-registry.ts';
import { Retraining } from './retraining.ts';
import { SageMakerRole } from './sagemaker-role.ts';
import { ShadowComparison } from './shadow-comparison.ts';
import { trainingDefinition } from './training-definition.ts';

export interface TrainingMachineProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly lake: Lake;
  readonly registry: ModelRegistry;
  readonly endpoint: ScoringEndpoint;
  readonly buildTrainingSet: SparkJob;
  readonly catalog: OfflineCatalog;
  readonly features: OnlineTable;
  /** Absent where the stage names none. */
  readonly mlflow?: MlflowPlace;
  readonly useCase: CodeAsset;
  /** Archive of the code that trains and serves: source-archive.ts. */
  readonly modelSource: string;
}

/** Training set → training job → gate → registry → endpoint. */
export class TrainingMachine extends Construct {
  readonly machine: StateMachine;
  readonly gate: NodeFunction<Env>;
  readonly retraining: Retraining;
  /** Absent where the stage names none. */
  readonly mlflow?: Mlflow;
  readonly trainingRole: Role;
  /** Absent where there is no endpoint. */
  readonly hostingRole?: Role;
  /** Absent where there is one. */
  private readonly inProcess?: InProcessDeployment;
  private readonly images: { readonly trains: FrameworkImage; readonly serves: FrameworkImage };
  /** Absent where no shadow is configured. */
  private readonly shadow?: ShadowComparison;

  constructor(scope: Construct, id: string, props: TrainingMachineProps) {
    super(scope, id);
    const { deployment, lake, registry, endpoint } = props;
    const { stage } = deployment;
    const { ir } = deployment.useCase;
    const { framework = SERVES } = ir.model ?? {};
    const image = (of: Framework) => frameworkImage(of, Stack.of(this).region, stage.training.images[of]);
    this.images = { trains: image(framework), serves: image(SERVES) };
    const source = new CodeAsset(this, 'ModelSource', { path: props.modelSource });
    this.trainingRole = this.makeTrainingRole(props, source);
    this.gate = this.makeGate(props);
    if (stage.endpoint.mode === 'in-process') {
      this.inProcess = new InProcessDeployment(this, 'InProcess', { ...props, framework });
    } else {
      this.hostingRole = this.makeHostingRole(props);
      this.addEndpointAlarms(props);
    }
    if (stage.endpoint.shadow)
      this.shadow = new ShadowComparison(this, 'Shadow', { ...props, bounds: stage.endpoint.shadow });
    this.retraining = new Retraining(this, 'Retraining', props);
    if (props.mlflow) this.mlflow = new Mlflow(this, 'Mlflow', { ...props, place: props.mlflow });

    const logGroup = new VendedLogs(this, 'Logs', { stage, service: 'states' });
    const role = new Role(this, 'Role', {
      assumedBy: forOwnAccount('states'),
      description: 'Trains, registers and deploys models',
    });
    this.machine = new StateMachine(this, 'Machine', {
      comment: 'Training set → train → gate → register → approve → deploy',
      role,
      definitionBody: DefinitionBody.fromString(
        Stack.of(this).toJsonString(
          trainingDefinition({
            name: endpoint.endpointName,
            buildTrainingSetJob: props.buildTrainingSet.job.jobName,
            trainingSetsUri: lake.uri(PREFIX.trainingSets),
            modelsUri: lake.uri(PREFIX.models),
            useCaseUri: props.useCase.s3ObjectUrl,
            sourceUri: source.s3ObjectUrl,
            trainingImageUri: this.images.trains.uri,
            servingImageUri: this.images.serves.uri,
            trainingRoleArn: this.trainingRole.roleArn,
            hostingRoleArn: this.hostingRole?.roleArn ?? '',
            gateFunctionArn: this.gate.function.functionArn,
            retrainingFunctionArn: this.retraining.fn.function.functionArn,
            mlflowFunctionArn: this.mlflow?.fn.function.functionArn,
            modelPackageGroup: registry.groupName,
            approval: stage.training.approval,
            kmsKeyArn: props.key.key?.keyArn,
            training: stage.training,
            endpoint: stage.endpoint,
            deployment: { stage: stage.stage, useCase: ir.name },
            modelName: requireModel(ir).model.name,
            serving: { bucket: lake.bucket.bucketName, key: objectKey('serving', { usecase: ir.name }) },
            ...(this.inProcess && { inProcess: { functionArn: this.inProcess.fn.function.functionArn } }),
            shadow: this.shadow?.place,
            alarmPrefix: props.alarms.prefix,
            pollSeconds: stage.training.pollSeconds,
            trainingMetrics: TRAINING_METRICS,
          }),
        ),
      ),
      tracingEnabled: true,
      logs: { destination: logGroup, level: LogLevel.ALL, includeExecutionData: false },
      removalPolicy: removalPolicy(stage, true),
    });
    const { gate, retraining, mlflow, shadow, inProcess, trainingRole, hostingRole } = this;
    const asked = [gate, retraining.fn, mlflow?.fn, shadow?.fn, inProcess?.fn].flatMap((one) => one?.function ?? []);
    grantMachine(role, { ...props, functions: asked, trainingRole, hostingRole });
    retraining.attach(this.machine);
    if (stage.training.approval === 'manual') this.deployOnApproval(props);
    this.addMachineAlarms(props);
  }

  private makeTrainingRole({ lake, key, useCase }: TrainingMachineProps, source: CodeAsset): Role {
    const role = new SageMakerRole(this, 'TrainingRole', {
      description: 'Training jobs: training sets in, models out',
      logGroup: '/aws/sagemaker/TrainingJobs',
      image: this.images.trains,
    });
    // The model that serves is measured beside the new one.
    lake.grantRead(role, PREFIX.trainingSets, PREFIX.models);
    lake.grantPut(role, PREFIX.models);
    key.grantUse(role);
    for (const asset of [source, useCase]) asset.grantGet(role);
    return role;
  }

  private makeHostingRole({ deployment, lake }: TrainingMachineProps): Role {
    const role = new SageMakerRole(this, 'HostingRole', {
      description: 'Endpoints: models in',
      logGroup: '/aws/sagemaker/Endpoints',
      image: this.images.serves,
    });
    lake.grantRead(role, PREFIX.models);
    // What a shadow is asked and answers is captured with the model's role.
    if (deployment.stage.endpoint.shadow) lake.grantPut(role, PREFIX.captured);
    return role;
  }

  private makeGate({ deployment, alarms, lake }: TrainingMachineProps): NodeFunction<Env> {
    const gate = new NodeFunction<Env>(this, 'Gate', {
      deployment,
      service: SERVICE.modelGate,
      entry: 'model-gate/handler.ts',
      description: 'Lets a model into the registry, or says why not',
      memoryMiB: 512,
      timeoutSeconds: 60,
      invocation: { kind: 'synchronous' },
      environment: { LAKE_BUCKET: lake.bucket.bucketName },
    });
    lake.grantRead(gate, PREFIX.models, PREFIX.trainingSets);
    addErrorAlarm(alarms, 'ModelGate', gate.function, 'The trained model is not registered.');
    return gate;
  }

  private deployOnApproval({ alarms, key, registry }: TrainingMachineProps): void {
    const undelivered = deadLetterQueue(this, 'Undelivered', key);
    new Rule(this, 'ModelApproved', {
      description: 'An approved model is deployed',
      eventPattern: {
        source: ['aws.sagemaker'],
        detailType: ['SageMaker Model Package State Change'],
        detail: {
          ModelPackageGroupName: [registry.groupName],
          ModelApprovalStatus: ['Approved'],
          // Every change of an approved package is told, a new description too. The field that says what has changed is in
          // today's events, but in no documented example: without it any change counts.
          $or: [
            { UpdatedModelPackageFields: ['ModelApprovalStatus'] },
            { UpdatedModelPackageFields: [{ exists: false }] },
          ],
        },
      },
      targets: [
        new SfnStateMachine(this.machine, {
          input: RuleTargetInput.fromObject({ model_package_arn: EventField.fromPath('$.detail.ModelPackageArn') }),
          deadLetterQueue: undelivered,
        }),
      ],
    });
    addDeadLetterAlarm(alarms, 'ModelApproval', undelivered, 'An approved model could not be deployed');
  }

  private addMachineAlarms({ alarms }: TrainingMachineProps): void {
    const period = Duration.minutes(5);
    const once = {
      severity: 'warning',
      runbook: 'training-failed',
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      missing: QUIET,
    } as const;
    alarms.add('TrainingFailed', {
      ...once,
      sentence: 'The training pipeline failed, or its gate rejected the model; the endpoint keeps the old model.',
      metric: this.machine.metricFailed({ period }),
    });
    alarms.add('TrainingTimedOut', {
      ...once,
      sentence: 'The training pipeline did not end in a day and was stopped; the endpoint keeps the old model.',
      metric: this.machine.metricTimedOut({ period }),
    });
  }

  /** On all fleets of the endpoint, at all times; what rolls a new model back stands in rollback-alarms.ts. */
  private addEndpointAlarms({ alarms, endpoint }: TrainingMachineProps): void {
    const minute = Duration.minutes(1);
    alarms.add('EndpointErrors', {
      severity: 'critical',
      sentence: 'The model endpoint answers with 5xx in two minutes of three, so customers are not scored.',
      runbook: 'endpoint-errors',
      metric: endpoint.metric('Invocation5XXErrors', 'Sum', minute),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      missing: QUIET,
    });
    alarms.add('EndpointLatency', {
      severity: 'warning',
      sentence: 'The model needs more than 500 ms for a request (99th percentile, 15 minutes).',
      runbook: 'endpoint-latency',
      metric: endpoint.metric('ModelLatency', 'p99'),
      // SageMaker reports microseconds.
      threshold: 500_000,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      missing: { treat: TreatMissingData.NOT_BREACHING, because: 'without requests there is no latency' },
    });
  }
}
