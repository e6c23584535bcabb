import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { objectKey } from '../../../names/lake.ts';
import { type FeaturesAnswer, type FeaturesQuestion, featuresAnswer } from '../../../names/reports.ts';
import type { Clients } from '../../stage/connection.ts';
import { runGlueJob, type Watch } from '../../stage/jobs.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';

/** Asks the Glue job. Question and answer are objects that are deleted here, and expire in a day if that fails. */
export async function featuresAt(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  question: FeaturesQuestion,
  watch: Watch = {},
): Promise<FeaturesAnswer> {
  const Bucket = resources.get('lakeBucket');
  const request = randomUUID();
  const [question_key, answer_key] = [objectKey('question', { request }), objectKey('answer', { request })];
  await clients.s3.send(new PutObjectCommand({ Bucket, Key: question_key, Body: JSON.stringify(question) }));
  try {
    await runGlueJob(clients, resources, 'featuresAt', { request }, watch);
    return featuresAnswer.parse(await readLakeJson(clients.s3, Bucket, answer_key));
  } finally {
    for (const Key of [question_key, answer_key]) await clients.s3.send(new DeleteObjectCommand({ Bucket, Key }));
  }
}
