import { gzipSync } from 'node:zlib';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { JsonLinesSink } from '../../engine/ports.ts';

/** Packed JSON lines in the lake bucket. */
export class LakeSink implements JsonLinesSink {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.client = client;
    this.bucket = bucket;
  }

  async put(key: string, lines: readonly object[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const request = { Bucket: this.bucket, Key: key, Body: gzipSync(text), ContentType: 'application/x-ndjson' };
    await this.client.send(new PutObjectCommand(request));
  }
}
