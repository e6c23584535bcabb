/** Objects of the lake of a test, which is called `lake`. */
import { gunzipSync } from 'node:zlib';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

const Bucket = 'lake';

export class TestLake {
  private readonly s3: S3Client;

  constructor(s3: S3Client) {
    this.s3 = s3;
  }

  async put(Key: string, Body: Buffer | string): Promise<void> {
    await this.s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  }

  async keys(Prefix: string): Promise<string[]> {
    const { Contents = [] } = await this.s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    return Contents.map(({ Key }) => Key!);
  }

  async clear(): Promise<void> {
    for (const Key of await this.keys('')) await this.s3.send(new DeleteObjectCommand({ Bucket, Key }));
  }

  /** Lines of the packed objects with this prefix that were not there before. */
  async linesSince(before: readonly string[], prefix: string): Promise<unknown[]> {
    const fresh = (await this.keys(prefix)).filter((key) => !before.includes(key));
    const texts = await Promise.all(
      fresh.map(async (Key) => {
        const { Body } = await this.s3.send(new GetObjectCommand({ Bucket, Key }));
        return gunzipSync(await Body!.transformToByteArray()).toString('utf8');
      }),
    );
    return texts.flatMap((text) => text.trim().split('\n')).map((line): unknown => JSON.parse(line));
  }
}
