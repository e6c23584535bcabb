import { Duration } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { type LakePrefix, PREFIX } from '../../names/lake.ts';
import type { StageConfig } from '../config/stage-config.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { explainWildcards } from '../foundation/wildcards.ts';

export interface LakeProps {
  readonly stage: StageConfig;
  readonly key: DataKey;
}

/** The bucket of everything that is not online: archive, Iceberg warehouse, training sets, models, failed batches. */
export class Lake extends Construct {
  readonly bucket: Bucket;
  /** What S3 says of who reads and writes our buckets. */
  readonly accessLogs: Bucket;
  private readonly key: DataKey;

  constructor(scope: Construct, id: string, props: LakeProps) {
    super(scope, id);
    const { stage, key } = props;
    this.key = key;
    const versioned = !stage.protection.allowDestroy;
    const common = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      removalPolicy: removalPolicy(stage, true),
    };
    // Log delivery can't use a customer key.
    this.accessLogs = new Bucket(this, 'AccessLogs', {
      ...common,
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ expiration: Duration.days(90) }],
    });
    this.bucket = new Bucket(this, 'Bucket', {
      ...common,
      encryption: key.key === undefined ? BucketEncryption.S3_MANAGED : BucketEncryption.KMS,
      encryptionKey: key.key,
      bucketKeyEnabled: key.key !== undefined,
      // Where data may not be destroyed, an overwrite or a delete can be undone for a month.
      versioned,
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'lake/',
      lifecycleRules: [
        { id: 'AbandonedUploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        this.expire('Answers', PREFIX.timeTravel, 1),
        this.expire('FailedBatches', PREFIX.failedBatches, 30),
        this.expire('Captured', PREFIX.captured, 30),
        ...this.aged(stage),
        ...(versioned
          ? [{ id: 'OldVersions', noncurrentVersionExpiration: Duration.days(30), expiredObjectDeleteMarker: true }]
          : []),
      ],
    });
  }

  /**
   * Personal data that is to go after some days. In a versioned bucket expiry only makes an old version of an object, and
   * those are kept for a month: here they go the day after. "If two expiration policies overlap, the shorter expiration
   * policy is honored" (https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html).
   */
  private expire(id: string, prefix: LakePrefix, days: number) {
    return { id, prefix, expiration: Duration.days(days), noncurrentVersionExpiration: Duration.days(1) };
  }

  /** What the stage keeps for a time. The rows of the Iceberg tables go by a job, whose files are in use while they are old. */
  private aged({ retention }: StageConfig) {
    const { eventsDays, quarantineDays, predictionsDays, scoresDays, trainingSetsDays, reportsDays } = retention;
    return [
      ...(eventsDays === undefined
        ? []
        : [this.expire('History', PREFIX.history, eventsDays), this.expire('Events', PREFIX.events, eventsDays)]),
      this.expire('Quarantine', PREFIX.quarantine, quarantineDays),
      this.expire('Redriven', PREFIX.redriven, quarantineDays),
      this.expire('Predictions', PREFIX.predictions, predictionsDays),
      this.expire('Exposures', PREFIX.exposures, predictionsDays),
      this.expire('Alerts', PREFIX.alerts, scoresDays),
      this.expire('Outcomes', PREFIX.outcomes, scoresDays),
      this.expire('TrainingSets', PREFIX.trainingSets, trainingSetsDays),
      this.expire('Checks', PREFIX.checks, reportsDays),
      this.expire('Healing', PREFIX.healing, reportsDays),
      this.expire('SourceGaps', PREFIX.sourceGaps, reportsDays),
      this.expire('Drift', PREFIX.drift, reportsDays),
      this.expire('Experiments', PREFIX.experiments, reportsDays),
      this.expire('ShadowReports', PREFIX.shadowReports, reportsDays),
    ];
  }

  /** May add and overwrite objects below the prefixes, not read them. */
  grantPut(grantee: IGrantable, ...prefixes: readonly LakePrefix[]): void {
    this.grant(grantee, ['s3:PutObject'], prefixes);
    this.key.grantUse(grantee);
  }

  /** May list the bucket and read objects below the prefixes. */
  grantRead(grantee: IGrantable, ...prefixes: readonly LakePrefix[]): void {
    this.grantList(grantee);
    this.grant(grantee, ['s3:GetObject'], prefixes);
    this.key.grantDecrypt(grantee);
  }

  /** May ask for objects below the prefixes by HeadObject: that is s3:GetObject too, and nothing is decrypted for it. */
  grantHead(grantee: IGrantable, ...prefixes: readonly LakePrefix[]): void {
    this.grant(grantee, ['s3:GetObject'], prefixes);
  }

  /** May list the bucket, and read, write and delete objects below the prefixes. */
  grantReadWrite(grantee: IGrantable, ...prefixes: readonly LakePrefix[]): void {
    this.grantList(grantee);
    this.grant(grantee, ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject'], prefixes);
    this.key.grantUse(grantee);
  }

  /** May take records out of objects below the prefixes, also out of their old versions. */
  grantErase(grantee: IGrantable, ...prefixes: readonly LakePrefix[]): void {
    this.grantReadWrite(grantee, ...prefixes);
    this.grant(grantee, ['s3:DeleteObjectVersion', 's3:GetObjectVersion'], prefixes);
    Grant.addToPrincipal({ grantee, actions: ['s3:ListBucketVersions'], resourceArns: [this.bucket.bucketArn] });
  }

  /** May list the bucket: also what turns a missing key into "not found" instead of "access denied". */
  grantList(grantee: IGrantable): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['s3:ListBucket', 's3:GetBucketLocation'],
      resourceArns: [this.bucket.bucketArn],
    });
  }

  /** `s3://<bucket>/<prefix>`, with the prefix's closing slash. */
  uri(prefix: LakePrefix): string {
    return this.bucket.s3UrlForObject(prefix);
  }

  private grant(grantee: IGrantable, actions: string[], prefixes: readonly LakePrefix[]): void {
    Grant.addToPrincipal({
      grantee,
      actions,
      resourceArns: prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}*`)),
    });
    explainWildcards(
      this.principalOf(grantee),
      ...prefixes.map((prefix) => ({
        finding: new RegExp(`^Resource::\\S*LakeBucket\\S*/${prefix}\\*$`),
        reason: `Object keys below ${prefix} are made at run time; the statement is limited to this folder of the one bucket.`,
      })),
    );
  }

  private principalOf(grantee: IGrantable): Construct {
    if (grantee.grantPrincipal instanceof Construct) return grantee.grantPrincipal;
    throw new Error('Lake grants need a role of this app, got an imported principal. Pass the role construct.');
  }
}
