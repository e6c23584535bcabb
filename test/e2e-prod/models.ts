/** Models that pass for good ones until they are asked. */

import { gunzipSync, gzipSync } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateModelPackageCommand, DescribeModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { extract, pack } from 'tar-stream';
import type { Session } from '../../cli/commands/demo/session.ts';

const SCRIPT = 'code/inference.py';

/** Python that is appended to the serving script. */
export const BROKEN = `
def transform_fn(model, body, content_type, accept):
    raise RuntimeError("broken on purpose")
`;
export const SLOW = `
import time
_in_time = transform_fn
def transform_fn(model, body, content_type, accept):
    time.sleep(1)
    return _in_time(model, body, content_type, accept)
`;

/**
 * Registers a version like another one whose serving script does something more.
 * @param arn of the package that is copied. @param name of the folder that its archive is put into
 * @returns the new package's ARN; it waits for approval
 */
export async function registerLike(session: Session, arn: string, name: string, more: string): Promise<string> {
  const { s3, sagemaker } = session.connection.clients;
  const like = await sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName: arn }));
  const [container] = like.InferenceSpecification?.Containers ?? [];
  const from = new URL(container?.ModelDataUrl ?? '');
  const Bucket = from.hostname;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: from.pathname.slice(1) }));
  const Key = `${from.pathname.slice(1).split('/')[0]}/${name}/output/model.tar.gz`;
  const archive = await rewrite(Buffer.from((await Body?.transformToByteArray()) ?? []), more);
  const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: archive }));
  const model_etag = ETag.replaceAll('"', '');
  const { ModelPackageArn } = await sagemaker.send(
    new CreateModelPackageCommand({
      ModelPackageGroupName: like.ModelPackageGroupName,
      ModelApprovalStatus: 'PendingManualApproval',
      CustomerMetadataProperties: { ...like.CustomerMetadataProperties, model_etag },
      InferenceSpecification: {
        ...like.InferenceSpecification,
        Containers: [
          {
            Image: container?.Image,
            Environment: container?.Environment,
            ModelDataUrl: `s3://${Bucket}/${Key}`,
            ModelDataETag: model_etag,
          },
        ],
      },
    }),
  );
  if (!ModelPackageArn) throw new Error('the registry answered no ARN');
  return ModelPackageArn;
}

/** The archive with `more` at the end of its serving script. @throws Error when it has none */
async function rewrite(archive: Buffer, more: string): Promise<Buffer> {
  const packed = pack();
  let found = false;
  const reading = extract();
  reading.end(gunzipSync(archive));
  for await (const entry of reading) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const script = entry.header.name.replace(/^\.\//, '') === SCRIPT;
    found ||= script;
    const content = Buffer.concat(script ? [...chunks, Buffer.from(more)] : chunks);
    packed.entry({ ...entry.header, size: content.length }, content);
  }
  if (!found) throw new Error(`the model's archive has no ${SCRIPT}`);
  packed.finalize();
  const parts: Buffer[] = [];
  for await (const part of packed) parts.push(part as Buffer);
  return gzipSync(Buffer.concat(parts));
}
