import { Aws, Duration } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { SourceIR } from '../../core/ir/document.ts';
import { CARRIAGE_OPTIONS } from '../../core/ir/source-options.ts';
import { landingPrefix } from '../../names/sources.ts';
import type { StageConfig } from '../config/stage-config.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { removalPolicy } from '../foundation/removal.ts';

/** How long the function may take for what it is given at once (s): the most that Lambda allows. */
export const FILES_TIMEOUT_SECONDS = 900;
/**
 * "Set the source queue's visibility timeout to at least six times the configuration timeout on your function"; "set the
 * maxReceiveCount on the source queue's redrive policy to at least 5"
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
 */
const VISIBILITY_SECONDS = 6 * FILES_TIMEOUT_SECONDS;
const MOST_RECEIVES = 5;
/** A file is a copy of what its sender has: this long it can be put again. */
const KEPT_DAYS = 30;

/** Who writes access logs into buckets of others, and to where. */
const LOG_WRITERS: Readonly<Record<string, string>> = {
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
  alb: 'logdelivery.elasticloadbalancing.amazonaws.com',
  // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
  cloudfront: 'delivery.logs.amazonaws.com',
};

/** A queue of notifications, and what becomes of those that fail. */
export interface LandingQueue {
  readonly queue: Queue;
  readonly deadLetters: Queue;
}

/** Where files land: `landing/<source>/` of one bucket, and for each source a queue that says what has come. */
export class Landing extends Construct {
  readonly bucket: Bucket;
  /** By the source's name. */
  readonly queues: Readonly<Record<string, LandingQueue>>;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly stage: StageConfig;
      readonly key: DataKey;
      readonly lake: Lake;
      /** Those that come as files. */
      readonly sources: readonly SourceIR[];
    },
  ) {
    super(scope, id);
    const { stage, key, lake, sources } = props;
    const formats = sources.map((source) => [source, formatOf(source)] as const);
    // "The only server-side encryption option that's supported is Amazon S3-managed keys" for logs of load balancers.
    const ownKey = key.key !== undefined && !formats.some(([, format]) => format in LOG_WRITERS);
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      encryption: ownKey ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
      encryptionKey: ownKey ? key.key : undefined,
      bucketKeyEnabled: ownKey || undefined,
      removalPolicy: removalPolicy(stage, true),
      serverAccessLogsBucket: lake.accessLogs,
      serverAccessLogsPrefix: 'landing/',
      lifecycleRules: [
        { id: 'AbandonedUploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        { id: 'Landed', expiration: Duration.days(KEPT_DAYS) },
      ],
    });
    for (const [source, format] of formats) this.letLogsIn(source, LOG_WRITERS[format]);
    this.queues = Object.fromEntries(sources.map((source) => [source.name, this.addQueue(source, key)]));
    this.notify();
  }

  private addQueue({ name }: SourceIR, key: DataKey): LandingQueue {
    const deadLetters = deadLetterQueue(this, `${pascalCase(name)}DeadLetters`, key);
    const queue = new Queue(this, `${pascalCase(name)}Queue`, {
      enforceSSL: true,
      encryption: key.key === undefined ? QueueEncryption.SQS_MANAGED : QueueEncryption.KMS,
      encryptionMasterKey: key.key,
      visibilityTimeout: Duration.seconds(VISIBILITY_SECONDS),
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: MOST_RECEIVES },
    });
    const allowed = queue.addToResourcePolicy(
      new PolicyStatement({
        sid: 'NotifyAsS3',
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [queue.queueArn],
        // Not by the bucket, which can only be made when the queue already lets it in.
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    // S3 tries each queue when it is told of it.
    if (allowed.policyDependable) this.bucket.node.addDependency(allowed.policyDependable);
    return { queue, deadLetters };
  }

  /** By the bucket's own property: the CDK's method would add a function that may change all buckets. */
  private notify(): void {
    (this.bucket.node.defaultChild as CfnBucket).notificationConfiguration = {
      queueConfigurations: Object.entries(this.queues).map(([source, { queue }]) => ({
        event: 's3:ObjectCreated:*',
        queue: queue.queueArn,
        filter: { s3Key: { rules: [{ name: 'prefix', value: landingPrefix(source) }] } },
      })),
    };
  }

  private letLogsIn({ name }: SourceIR, writer: string | undefined): void {
    if (writer === undefined) return;
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: `Logs${pascalCase(name)}`,
        principals: [new ServicePrincipal(writer)],
        actions: ['s3:PutObject'],
        resources: [this.bucket.arnForObjects(`${landingPrefix(name)}*`)],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
  }
}

const formatOf = ({ via }: SourceIR): string =>
  CARRIAGE_OPTIONS.files.parse(via.find(({ kind }) => kind === 'files')?.options ?? {}).format;
