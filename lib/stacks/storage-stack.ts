import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { hasModel } from '../../core/ir/parts.ts';
import type { StageConfig } from '../config/stage-config.ts';
import { Lake } from '../feature-store/lake.ts';
import { OfflineCatalog } from '../feature-store/offline-catalog.ts';
import { OnlineTable, ScoreTable } from '../feature-store/tables.ts';
import { DataKey } from '../foundation/data-key.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { acknowledge } from '../foundation/wildcards.ts';
import { EventStream } from '../ingestion/event-stream.ts';
import { Landing } from '../intake/landing.ts';
import { NotificationTopic } from '../monitoring/alarm-topic.ts';
import type { MlflowPlace } from '../training/mlflow.ts';
import { MlflowApp } from '../training/mlflow-app.ts';
import { ModelRegistry } from '../training/model-registry.ts';

/** All that holds data, and what must stay when code comes and goes. */
export class StorageStack extends TidemarkStack {
  readonly key: DataKey;
  readonly stream: EventStream;
  readonly lake: Lake;
  /** Absent where no source comes as files. */
  readonly landing?: Landing;
  readonly catalog: OfflineCatalog;
  readonly features: OnlineTable;
  /** Absent without a model. */
  readonly scores?: ScoreTable;
  readonly registry?: ModelRegistry;
  readonly alarmTopic: NotificationTopic;
  /** Absent without a model, or where the stage names no MLflow. */
  readonly mlflow?: MlflowPlace;
  /** Absent without alerts. */
  readonly slackSecret?: Secret;
  /** Keys of the requests of HTTP sources, by the source's name. */
  readonly sourceSecrets: Readonly<Record<string, Secret>>;

  constructor(scope: Construct, id: string, props: TidemarkStackProps) {
    super(scope, id, { ...props, stateful: true });
    const { deployment } = props;
    const { stage, useCase } = deployment;
    this.key = new DataKey(this, 'DataKey', { stage });
    // Topics and their dead-letter queues are written to by services, not by roles of ours.
    const alerts = useCase.ir.alerts ? (['sns.amazonaws.com'] as const) : [];
    const files = (useCase.ir.sources ?? []).filter(({ via }) => via.some(({ kind }) => kind === 'files'));
    const landings = files.length > 0 ? (['s3.amazonaws.com'] as const) : [];
    this.key.grantPublishers('cloudwatch.amazonaws.com', 'events.amazonaws.com', ...alerts, ...landings);
    const common = { stage, key: this.key };
    this.stream = new EventStream(this, 'Events', common);
    this.lake = new Lake(this, 'Lake', common);
    if (files.length > 0) this.landing = new Landing(this, 'Landing', { ...common, lake: this.lake, sources: files });
    this.catalog = new OfflineCatalog(this, 'Offline', { stage, lake: this.lake });
    this.features = new OnlineTable(this, 'Features', common);
    if (hasModel(useCase.ir)) {
      this.scores = new ScoreTable(this, 'Scores', common);
      this.registry = new ModelRegistry(this, 'Models', { deployment });
      if (stage.training.mlflow) this.mlflow = this.makeMlflow(deployment);
    }
    this.alarmTopic = new NotificationTopic(this, 'Alarms', {
      displayName: `Tidemark ${stage.stage} alarms`,
      key: this.key,
      emails: stage.alarms.emails,
    });
    this.alarmTopic.allowAlarms();
    if (useCase.ir.alerts) this.slackSecret = this.makeSlackSecret(stage);
    const http = (useCase.ir.sources ?? []).filter(({ via }) => via.some(({ kind }) => kind === 'http'));
    this.sourceSecrets = Object.fromEntries(http.map(({ name }) => [name, this.makeSourceSecret(name, stage)]));
    this.keepExports();

    this.output('stream', this.stream.stream.streamName, 'Kinesis stream that takes events');
    this.output('featuresTable', this.features.table.tableName, 'Online store');
    if (this.scores) this.output('scoresTable', this.scores.table.tableName, 'Scores and the outbox of alerts');
    this.output('lakeBucket', this.lake.bucket.bucketName, 'Archive, Iceberg warehouse, training sets, models');
    if (this.landing)
      this.output('landingBucket', this.landing.bucket.bucketName, 'Takes the files of sources: landing/<source>/');
    this.output('database', this.catalog.database.databaseName, 'Glue database of the Iceberg tables');
    if (this.registry) this.output('modelPackageGroup', this.registry.groupName, 'Model registry');
    this.output('alarmTopic', this.alarmTopic.topicArn, 'Topic of the operational alarms');
    if (this.slackSecret) {
      this.output('slackSecret', this.slackSecret.secretArn, 'Secret that takes the Slack webhook');
    }
    if (http.length > 0) {
      const arns = Object.entries(this.sourceSecrets).map(([name, { secretArn }]) => [name, secretArn]);
      this.output('sourceSecrets', this.toJsonString(Object.fromEntries(arns)), 'Secrets of the keys of HTTP sources');
    }
  }

  private makeMlflow(deployment: Deployment): MlflowPlace {
    const { mlflow } = deployment.stage.training;
    if (mlflow !== undefined && 'app' in mlflow)
      return { appArn: new MlflowApp(this, 'Mlflow', { deployment, lake: this.lake }).arn };
    const secret = this.makeSecret('MlflowCredentials', deployment.stage, {
      description:
        'Credentials of MLflow: {"token": "…"} or {"username": "…", "password": "…"}; put them in after the deployment',
      empty: { token: '' },
      issuer: 'The credentials are issued by the MLflow server',
    });
    this.output('mlflowSecret', secret.secretArn, 'Secret that takes the credentials of MLflow');
    return { secret };
  }

  private makeSlackSecret(stage: StageConfig): Secret {
    return this.makeSecret('SlackWebhook', stage, {
      description:
        'Slack webhook of the alerts: {"url": "https://hooks.slack.com/services/…"}; put the address in after the deployment',
      empty: { url: '' },
      issuer: 'The webhook is issued by Slack',
    });
  }

  private makeSourceSecret(source: string, stage: StageConfig): Secret {
    return this.makeSecret(`${pascalCase(source)}Keys`, stage, {
      description: `Keys of the requests of the source ${source}: {"keys": ["…"]}; put them in after the deployment`,
      empty: { keys: [] },
      issuer: 'The keys are issued by the provider',
    });
  }

  /** What somebody else issues, so that there is nothing to rotate on a schedule. */
  private makeSecret(
    id: string,
    stage: StageConfig,
    of: { readonly description: string; readonly empty: object; readonly issuer: string },
  ): Secret {
    const secret = new Secret(this, id, {
      description: of.description,
      encryptionKey: this.key.key,
      removalPolicy: removalPolicy(stage, true),
      generateSecretString: {
        secretStringTemplate: JSON.stringify(of.empty),
        generateStringKey: 'placeholder',
      },
    });
    acknowledge(secret, {
      id: 'AwsSolutions-SMG4',
      reason: `${of.issuer} and renewed there by hand; there is nothing to rotate on a schedule.`,
    });
    return secret;
  }

  /**
   * Exports what the other stacks import, whether they do or not: an export that goes with its last importer is refused as
   * long as that importer is deployed, so that the stacks could not be deployed in their order (docs/adr/0013).
   */
  private keepExports(): void {
    const { key, lake, stream, features, scores, catalog, registry, alarmTopic, slackSecret, sourceSecrets, landing } =
      this;
    const { mlflow } = this;
    const values = [
      ...(key.key === undefined ? [] : [key.key.keyArn]),
      lake.bucket.bucketArn,
      lake.bucket.bucketName,
      stream.stream.streamArn,
      stream.stream.streamName,
      ...[features, ...(scores ? [scores] : [])].flatMap(({ table }) => [
        table.tableArn,
        table.tableName,
        table.tableStreamArn,
      ]),
      catalog.database.databaseName,
      ...(registry ? [registry.groupArn] : []),
      ...(mlflow ? ['secret' in mlflow ? mlflow.secret.secretArn : mlflow.appArn] : []),
      alarmTopic.topicArn,
      ...(slackSecret ? [slackSecret.secretArn] : []),
      ...(landing ? [landing.bucket.bucketArn, landing.bucket.bucketName] : []),
      ...Object.values(landing?.queues ?? {}).flatMap(({ queue, deadLetters }) => [
        queue.queueArn,
        queue.queueUrl,
        deadLetters.queueName,
      ]),
      ...Object.values(sourceSecrets).map(({ secretArn }) => secretArn),
    ];
    for (const value of values) this.exportValue(value);
  }
}
