import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createGzip } from 'node:zlib';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Progress } from '../../setup/progress.mjs';
import { requireFiles } from '../input-files.ts';
import { interruption } from '../interruption.ts';
import { completeStates, runGlueJob } from '../jobs.ts';
import { deployed, flagsOf, type Target } from '../resources.ts';

/** Where the land job reads: wire events, one JSON object a line, in the order of the file names. */
const PREFIX = 'raw/history/';

/** Uploads NDJSON files, packed. @returns bytes sent */
export async function uploadHistory(client: S3Client, bucket: string, files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const chunks: Buffer[] = [];
    const source = createReadStream(file);
    for await (const chunk of file.endsWith('.gz') ? source : source.pipe(createGzip())) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const name = file.endsWith('.gz') ? basename(file) : `${basename(file)}.gz`;
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${PREFIX}${name}`, Body: body }));
    bytes += body.length;
  }
  return bytes;
}

/** `tidemark history load` */
export async function loadHistory(files: readonly string[], target: Target): Promise<void> {
  await requireFiles(files);
  const { clients, resources } = await deployed(target);
  const stop = interruption();
  const progress = new Progress();
  const watch = { signal: stop.signal };
  await progress.step(
    'Upload',
    () => uploadHistory(clients.s3, resources.get('lakeBucket'), files),
    (bytes) => `${Math.round(bytes / 1024)} KiB`,
  );
  await progress.step('Land the history (Glue)', () => runGlueJob(clients, resources.get('landHistoryJob'), {}, watch));
  await completeStates(clients, resources, progress, watch);
  stop.release();
  const next = resources.featuresAlone ? 'page' : 'train';
  console.log(`The history is loaded. Next: npx tidemark ${next} ${flagsOf(target)}`);
}
