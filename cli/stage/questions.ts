import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { objectKey } from '../../names/lake.ts';
import type { Clients } from './connection.ts';
import { runGlueJob, type Watch } from './jobs.ts';
import { readLakeJson } from './lake-json.ts';
import type { Resources } from './resources.ts';

/**
 * Asks a Glue job about entities, which neither an argument nor a log may name: question and answer are objects that are
 * deleted here, and expire in a day if that fails.
 * @returns the answer as the job wrote it
 */
export async function askLake(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  job: 'featuresAt' | 'labelsAt',
  question: object,
  watch: Watch,
): Promise<unknown> {
  const Bucket = resources.get('lakeBucket');
  const request = randomUUID();
  const [question_key, answer_key] = [objectKey('question', { request }), objectKey('answer', { request })];
  await clients.s3.send(new PutObjectCommand({ Bucket, Key: question_key, Body: JSON.stringify(question) }));
  try {
    await runGlueJob(clients, resources, job, { request }, watch);
    return await readLakeJson(clients.s3, Bucket, answer_key);
  } finally {
    for (const Key of [question_key, answer_key]) await clients.s3.send(new DeleteObjectCommand({ Bucket, Key }));
  }
}
