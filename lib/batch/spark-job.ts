import { fileURLToPath } from 'node:url';
import { Duration, IgnoreMode, Stack } from 'aws-cdk-lib';
import { Code, GlueVersion, type IConnection, PySparkEtlJob, WorkerType } from 'aws-cdk-lib/aws-glue';
import { Grant, type IGrantable, type IPrincipal, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import {
  type Given,
  givenTo,
  JOBS,
  type JobName,
  type JobShape,
  METRICS_ARGUMENT,
  scriptOf,
  toldToAll,
} from '../../names/jobs.ts';
import { PREFIX } from '../../names/lake.ts';
import { METRIC_NAMESPACE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OfflineCatalog } from '../feature-store/offline-catalog.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { acknowledge, explainWildcards } from '../foundation/wildcards.ts';
import { dimensionsOf } from '../monitoring/metrics.ts';

/** Name of the Iceberg catalog in Spark SQL. */
const CATALOG = 'glue_catalog';

export interface SparkJobProps<Name extends JobName> {
  readonly deployment: Deployment;
  readonly name: Name;
  readonly description: string;
  readonly lake: Lake;
  readonly catalog: OfflineCatalog;
  /** The zip of the shared package and the compiled use case: one asset each for all jobs. */
  readonly sharedCode: CodeAsset;
  readonly useCase: CodeAsset;
  /** What it is told with every run (names/jobs.ts). */
  readonly arguments: Given<Name>;
  /** Of its metrics, beside those of all. @default - none */
  readonly dimensions?: Readonly<Record<string, string>>;
  /** Networks that it is attached to. @default - none: it reaches AWS and nothing else of ours */
  readonly connections?: readonly IConnection[];
}

/** A Glue 5.1 job with the Iceberg catalog, the shared package, metrics, logs, and a role that may do nothing else yet. */
export class SparkJob<Name extends JobName = JobName> extends Construct implements IGrantable {
  readonly job: PySparkEtlJob;
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, props: SparkJobProps<Name>) {
    super(scope, id);
    const { stage } = props.deployment;
    const { metrics }: JobShape = JOBS[props.name];
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('glue.amazonaws.com'),
      description: `${props.description} (Glue job)`,
    });
    this.grantPrincipal = this.role;
    const script = new CodeAsset(this, 'Script', {
      path: fileURLToPath(new URL(`../../glue-scripts/${scriptOf(props.name)}`, import.meta.url)),
    });
    for (const asset of [script, props.sharedCode, props.useCase]) asset.grantGet(this.role);
    this.grantLogsAndMetrics();
    if (metrics) this.grantPutMetrics(METRIC_NAMESPACE);

    this.job = new PySparkEtlJob(this, 'Job', {
      description: props.description,
      // The L2 would open the whole asset bucket to the role; it gets its three objects above.
      role: this.role.withoutPolicyUpdates(),
      script: Code.fromBucket(script.bucket, script.s3ObjectKey),
      connections: props.connections && [...props.connections],
      extraPythonFiles: [Code.fromBucket(props.sharedCode.bucket, props.sharedCode.s3ObjectKey)],
      glueVersion: GlueVersion.V5_1,
      workerConfiguration: { workerType: workerTypeOf(stage.batch.workerType), numberOfWorkers: stage.batch.workers },
      timeout: Duration.minutes(stage.batch.timeoutMinutes),
      // Jobs merge by key, so a person or a schedule may run them again; Glue must not do it on its own.
      maxRetries: 0,
      maxConcurrentRuns: 1,
      enableMetrics: true,
      enableObservabilityMetrics: true,
      defaultArguments: {
        '--datalake-formats': 'iceberg',
        '--conf': sparkConfiguration(props.lake),
        ...toldToAll({
          aws_region: Stack.of(this).region,
          lake_bucket: props.lake.bucket.bucketName,
          database: props.catalog.database.databaseName,
          ir_uri: props.useCase.s3ObjectUrl,
        }),
        ...(metrics && {
          [`--${METRICS_ARGUMENT}`]: JSON.stringify({
            namespace: METRIC_NAMESPACE,
            dimensions: { ...dimensionsOf(props.deployment, metrics.service), ...props.dimensions },
            names: metrics.names,
          }),
        }),
        ...givenTo(props.name, props.arguments),
      },
    });
    const reason =
      'Logs hold counts and ids, never payloads, and are encrypted by CloudWatch; tables, lake and stream use the key of the stage. Bookmarks are not used: jobs merge by key.';
    acknowledge(
      this.job,
      { id: 'AwsSolutions-GL1', reason },
      { id: 'AwsSolutions-GL3', reason },
      { id: '@aws-cdk/aws-glue-alpha:unencryptedContinuousLogging', reason },
    );
  }

  /** May start this job and wait for its end. */
  grantRun(grantee: IGrantable): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['glue:BatchStopJobRun', 'glue:GetJobRun', 'glue:GetJobRuns', 'glue:StartJobRun'],
      resourceArns: [this.job.jobArn],
    });
  }

  private grantPutMetrics(namespace: string): void {
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': namespace } },
      }),
    );
  }

  private grantLogsAndMetrics(): void {
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [
          Stack.of(this).formatArn({ service: 'logs', resource: 'log-group:/aws-glue/jobs', resourceName: '*' }),
        ],
      }),
    );
    this.grantPutMetrics('Glue');
    explainWildcards(
      this.role,
      {
        finding: /^Resource::\*$/,
        reason:
          'cloudwatch:PutMetricData has no resource type: IAM takes only "*"; each statement is limited to one namespace.',
      },
      {
        finding: /^Resource::arn:\S+:logs:\S+:log-group:\/aws-glue\/jobs\/\*$/,
        reason: 'Glue names the log groups and streams of its job runs itself, below /aws-glue/jobs/.',
      },
    );
  }
}

/** The zip of the package that all scripts import: the same in every stack. */
export const sharedSparkCode = (scope: Construct): CodeAsset =>
  new CodeAsset(scope, 'SharedCode', {
    path: fileURLToPath(new URL('../../glue-scripts', import.meta.url)),
    // Only the package, at the root of the zip, is what --extra-py-files wants.
    exclude: ['/*', '!/tidemark_spark', '__pycache__', '*.pyc'],
    ignoreMode: IgnoreMode.GIT,
  });

/** Iceberg in the Glue catalog: the settings that the Glue guide gives, joined as its `--conf` argument wants them. */
function sparkConfiguration(lake: Lake): string {
  const catalog = `spark.sql.catalog.${CATALOG}`;
  return [
    'spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions',
    `${catalog}=org.apache.iceberg.spark.SparkCatalog`,
    `${catalog}.warehouse=${lake.uri(PREFIX.warehouse)}`,
    `${catalog}.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog`,
    `${catalog}.io-impl=org.apache.iceberg.aws.s3.S3FileIO`,
  ].join(' --conf ');
}

function workerTypeOf(name: Deployment['stage']['batch']['workerType']): WorkerType {
  return { 'G.1X': WorkerType.G_1X, 'G.2X': WorkerType.G_2X, 'G.4X': WorkerType.G_4X, 'G.8X': WorkerType.G_8X }[name];
}
