import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Duration, Stack } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/model-gate/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { SERVICE } from '../../names/metrics.ts';
import type { SparkJob } from '../batch/spark-job.ts';
import type { Lake } from '../feature-store/lake.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { type Deployment, deploymentName } from '../foundation/deployment.ts';
import { deadLetterQueue, NodeFunction } from '../foundation/node-function.ts';
import { forOwnAccount } from '../foundation/own-account.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { VendedLogs } from '../foundation/vended-logs.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';
import { CHAMPION_VARIANT, type ScoringEndpoint } from '../serving/scoring-endpoint.ts';
import type { ModelRegistry } from './model-registry.ts';
import { ROLLBACK_ALARM_PREFIX } from './rollback-alarms.ts';
import { SageMakerRole } from './sagemaker-role.ts';
import { writeSourceArchive } from './source-archive.ts';
import { trainingDefinition } from './training-definition.ts';
import { type XgboostImage, xgboostImage } from './xgboost-image.ts';

/** What train.py reports, one log line a metric. */
const TRAINING_METRICS = ['auc', 'average_precision', 'brier', 'calibration_error', 'baseline_auc', 'auc_gain_low'];

export interface TrainingMachineProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly lake: Lake;
  readonly registry: ModelRegistry;
  readonly endpoint: ScoringEndpoint;
  readonly buildTrainingSet: SparkJob;
  readonly useCase: CodeAsset;
  /** Folder for generated files of this synthesis. */
  readonly outdir: string;
}

/** Training set → training job → gate → registry → endpoint. */
export class TrainingMachine extends Construct {
  readonly machine: StateMachine;
  readonly gate: NodeFunction<Env>;
  readonly trainingRole: Role;
  readonly hostingRole: Role;
  private readonly image: XgboostImage;

  constructor(scope: Construct, id: string, props: TrainingMachineProps) {
    super(scope, id);
    const { deployment, lake, registry, endpoint } = props;
    const { stage } = deployment;
    this.image = xgboostImage(Stack.of(this).region, stage.training.xgboostImage);
    const source = new CodeAsset(this, 'ModelSource', {
      path: writeSourceArchive(
        fileURLToPath(new URL('../../model', import.meta.url)),
        path.join(props.outdir, 'sourcedir.tar.gz'),
      ),
    });
    this.trainingRole = this.makeTrainingRole(props, source);
    this.hostingRole = this.makeHostingRole(props);
    this.gate = this.makeGate(props);
    this.addEndpointAlarms(props);

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
            imageUri: this.image.uri,
            trainingRoleArn: this.trainingRole.roleArn,
            hostingRoleArn: this.hostingRole.roleArn,
            gateFunctionArn: this.gate.function.functionArn,
            modelPackageGroup: registry.groupName,
            approval: stage.training.approval,
            kmsKeyArn: props.key.key?.keyArn,
            training: stage.training,
            endpoint: { ...stage.endpoint, variant: CHAMPION_VARIANT },
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
    this.grantMachine(role, props);
    if (stage.training.approval === 'manual') this.deployOnApproval(props);
    this.addMachineAlarms(props);
  }

  private makeTrainingRole({ lake, key, useCase }: TrainingMachineProps, source: CodeAsset): Role {
    const role = new SageMakerRole(this, 'TrainingRole', {
      description: 'Training jobs: training sets in, models out',
      logGroup: '/aws/sagemaker/TrainingJobs',
      image: this.image,
    });
    lake.grantRead(role, PREFIX.trainingSets);
    lake.grantPut(role, PREFIX.models);
    key.grantUse(role);
    for (const asset of [source, useCase]) asset.grantGet(role);
    return role;
  }

  private makeHostingRole({ lake }: TrainingMachineProps): Role {
    const role = new SageMakerRole(this, 'HostingRole', {
      description: 'Endpoints: models in',
      logGroup: '/aws/sagemaker/Endpoints',
      image: this.image,
    });
    lake.grantRead(role, PREFIX.models);
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

  /** Every action with the resources it is for; names are made of the deployment's name and the execution's. */
  private grantMachine(role: Role, props: TrainingMachineProps): void {
    const stack = Stack.of(this);
    const name = deploymentName(props.deployment);
    const sagemaker = (resource: string, resourceName: string) =>
      stack.formatArn({ service: 'sagemaker', resource, resourceName });
    const made = ['training-job', 'model', 'endpoint-config'].map((resource) => sagemaker(resource, `${name}-*`));
    const [trainingJob = '', model = '', endpointConfig = ''] = made;
    const allow = (actions: string[], resources: string[], conditions?: Record<string, unknown>) =>
      role.addToPrincipalPolicy(new PolicyStatement({ actions, resources, conditions }));

    props.buildTrainingSet.grantRun(role);
    allow(['lambda:InvokeFunction'], [this.gate.function.functionArn]);
    allow(
      [
        'sagemaker:CreateTrainingJob',
        'sagemaker:DescribeTrainingJob',
        'sagemaker:StopTrainingJob',
        // The .sync pattern marks the job as its own.
        'sagemaker:AddTags',
        'sagemaker:ListTags',
      ],
      [trainingJob],
    );
    // The .sync pattern listens to the end of the job through this managed rule.
    allow(
      ['events:DescribeRule', 'events:PutRule', 'events:PutTargets'],
      [
        stack.formatArn({
          service: 'events',
          resource: 'rule',
          resourceName: 'StepFunctionsGetEventsForSageMakerTrainingJobsRule',
        }),
      ],
    );
    allow(
      ['sagemaker:CreateModelPackage', 'sagemaker:DescribeModelPackage'],
      [props.registry.groupArn, props.registry.packagesArn],
    );
    // Whether the archive is still the one that was approved.
    props.lake.grantHead(role, PREFIX.models);
    // Whether a model made of a package is checked on the package as well is documented for other accounts only.
    allow(['sagemaker:CreateModel'], [model, props.registry.packagesArn]);
    allow(['sagemaker:DescribeModel', 'sagemaker:DeleteModel'], [model]);
    allow(
      ['sagemaker:CreateEndpointConfig', 'sagemaker:DescribeEndpointConfig', 'sagemaker:DeleteEndpointConfig'],
      [endpointConfig],
    );
    allow(['sagemaker:ListModels', 'sagemaker:ListEndpointConfigs'], ['*']);
    allow(['sagemaker:CreateEndpoint', 'sagemaker:UpdateEndpoint'], [props.endpoint.endpointArn, endpointConfig]);
    allow(['sagemaker:DescribeEndpoint', 'sagemaker:DeleteEndpoint'], [props.endpoint.endpointArn]);
    allow(['iam:PassRole'], [this.trainingRole.roleArn, this.hostingRole.roleArn], {
      StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' },
    });
    const { canaryPercent } = props.deployment.stage.endpoint;
    if (canaryPercent > 0) {
      allow(['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'], [this.rollbackAlarmsArn(props)]);
      // "Ensure that your IAM execution role has permission to perform the cloudwatch:DescribeAlarms action on the
      // auto-rollback alarms you specify": the role of the model, or the one that updates the endpoint.
      for (const one of [role, this.hostingRole]) {
        one.addToPrincipalPolicy(
          new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: [this.rollbackAlarmsArn(props)] }),
        );
      }
    }
    explainWildcards(
      role,
      {
        finding: /^Resource::\*$/,
        reason:
          'Log delivery of Step Functions (logs:*LogDelivery, logs:*ResourcePolic*), X-Ray, sagemaker:ListModels and sagemaker:ListEndpointConfigs have no resource type: IAM takes only "*".',
      },
      {
        finding: new RegExp(`^Resource::arn:\\S+:sagemaker:\\S+:(training-job|model|endpoint-config)/${name}-\\*$`),
        reason:
          'Each execution makes resources under its own name; the statement is limited to the prefix of this deployment.',
      },
      {
        finding: new RegExp(`^Resource::arn:\\S+:sagemaker:\\S+:model-package/${name}/\\*$`),
        reason: 'The registry numbers the versions itself; the statement is limited to the one model package group.',
      },
    );
    if (canaryPercent === 0) return;
    for (const one of [role, this.hostingRole]) {
      explainWildcards(one, {
        finding: new RegExp(
          `^Resource::arn:\\S+:cloudwatch:\\S+:alarm:${props.alarms.prefix}${ROLLBACK_ALARM_PREFIX}\\*$`,
        ),
        reason:
          'Each deployment makes its own alarms on its own fleet; the statement is limited to the names of these.',
      });
    }
  }

  private rollbackAlarmsArn({ alarms }: TrainingMachineProps): string {
    return Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: `alarm:${alarms.prefix}${ROLLBACK_ALARM_PREFIX}*`,
    });
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
