import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';

/** A file of ours in the bootstrap bucket that exactly its readers may get. */
export class CodeAsset extends Asset {
  /** May read this one object: `Asset.grantRead` would open the whole bootstrap bucket. */
  grantGet(grantee: IGrantable): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['s3:GetObject'],
      resourceArns: [this.bucket.arnForObjects(this.s3ObjectKey)],
    });
    Grant.addToPrincipal({ grantee, actions: ['s3:ListBucket'], resourceArns: [this.bucket.bucketArn] });
  }
}
