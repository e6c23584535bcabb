import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** The JSON document that a job wrote. @throws the SDK's error when there is no such object */
export async function readLakeJson(client: S3Client, Bucket: string, Key: string): Promise<unknown> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return JSON.parse((await Body?.transformToString()) ?? 'null');
}
