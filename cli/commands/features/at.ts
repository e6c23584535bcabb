import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { objectKey } from '../../../names/lake.ts';
import type { Clients } from '../../stage/connection.ts';
import { runGlueJob, type Watch } from '../../stage/jobs.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';

export interface Question {
  readonly entity_id: string;
  /** ms UTC. */
  readonly t: number;
  /** `asof`: what was known at t; a number: what was known then, ms UTC. */
  readonly knowledge: 'asof' | 'latest' | number;
}

const answerSchema = z.object({
  entity_id: z.string(),
  t: z.number(),
  known_before: z.number().nullable(),
  snapshot_id: z.string(),
  view: z.string(),
  features: z.array(z.object({ name: z.string(), value: z.unknown(), latest: z.unknown() })),
  events: z.array(
    z.object({
      event_id: z.string(),
      event_type: z.string(),
      event_time: z.number(),
      available_at: z.number(),
      status: z.enum(['counted', 'outside', 'not_known_yet', 'duplicate', 'cancelled']),
      features: z.array(z.string()),
    }),
  ),
  refused: z.array(z.object({ reason: z.string(), arrival: z.number(), event_id: z.string().nullable() })),
});
export type Answer = z.infer<typeof answerSchema>;

/** Asks the Glue job. Question and answer are objects that are deleted here, and expire in a day if that fails. */
export async function featuresAt(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  question: Question,
  watch: Watch = {},
): Promise<Answer> {
  const Bucket = resources.get('lakeBucket');
  const request = randomUUID();
  const [question_key, answer_key] = [objectKey('question', { request }), objectKey('answer', { request })];
  await clients.s3.send(new PutObjectCommand({ Bucket, Key: question_key, Body: JSON.stringify(question) }));
  try {
    await runGlueJob(clients, resources.get('featuresAtJob'), { '--request': request }, watch);
    return answerSchema.parse(await readLakeJson(clients.s3, Bucket, answer_key));
  } finally {
    for (const Key of [question_key, answer_key]) await clients.s3.send(new DeleteObjectCommand({ Bucket, Key }));
  }
}
