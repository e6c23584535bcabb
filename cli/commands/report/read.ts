/** What the report is made of: the table of scores, and the predictions of the lake. */
import { gunzipSync } from 'node:zlib';
import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import { DAY } from '../../../core/values/time.ts';
import type { Outcome } from '../../../engine/alerting/outcome.ts';
import { mapConcurrently } from '../../../engine/concurrently.ts';
import { outcomeOf } from '../../../lambdas/aws/dynamo/alert-item.ts';
import { ALERT_KIND, SUPPRESSED_KIND, WAITING_KIND } from '../../../names/keys.ts';
import { dayOf, PREFIX } from '../../../names/lake.ts';
import type { Week } from './week.ts';

const raisedSchema = z.object({
  alert_id: z.string(),
  entity_id: z.string(),
  /** Of the score, ms UTC. */
  t: z.number(),
  score: z.number(),
  trigger: z.string(),
  model_version: z.string(),
  reasons: z.array(z.string()).default([]),
  /** By which rule nobody was told. */
  rule: z.string().nullable().default(null),
  waiting: z.string().optional(),
});
/** An alert that was raised: told of, suppressed by a rule, or waiting still. */
export type RaisedAlert = z.infer<typeof raisedSchema>;

export interface RaisedAlerts {
  /** By `t`. */
  readonly alerts: readonly RaisedAlert[];
  readonly outcomes: readonly Outcome[];
}

/** All of the table of scores. Times are ms UTC. */
export async function readRaised(client: DynamoDBClient, TableName: string): Promise<RaisedAlerts> {
  const alerts: RaisedAlert[] = [];
  const outcomes: Outcome[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName })) {
    for (const item of Items) {
      const outcome = outcomeOf(item);
      if (outcome) outcomes.push(outcome);
      else if (isRaised(item)) alerts.push(raisedSchema.parse(unmarshall(item)));
    }
  }
  return { alerts: alerts.sort((a, b) => a.t - b.t || (a.entity_id < b.entity_id ? -1 : 1)), outcomes };
}

function isRaised({ kind }: Readonly<Record<string, AttributeValue>>): boolean {
  const text = kind?.S ?? '';
  return text === WAITING_KIND || [ALERT_KIND, SUPPRESSED_KIND].some((begin) => text.startsWith(begin));
}

const predictionSchema = z.object({
  prediction_id: z.string(),
  entity_id: z.string(),
  t: z.number(),
  score: z.number(),
  model_version: z.string(),
  trigger: z.string(),
});

/** What was scored in a week. */
export interface ScoredWeek {
  readonly predictions: number;
  readonly entities: number;
  readonly by_version: Readonly<Record<string, number>>;
  readonly by_trigger: Readonly<Record<string, number>>;
  /** Of each day, from the first: how many scores, and how many above the threshold. */
  readonly days: readonly { readonly scored: number; readonly above: number }[];
  readonly objects: number;
}

const READERS = 16;

/**
 * Counts the predictions of a week, each once.
 * @param every whether days of writing say nothing of `t`, as in a replay: all objects are read then
 */
export async function readScoredWeek(
  s3: S3Client,
  Bucket: string,
  { from, to }: Week,
  threshold: number,
  every: boolean,
): Promise<ScoredWeek> {
  // What is scored around midnight may be written a day later; batches that came again lie in both.
  const folders = every
    ? [PREFIX.predictions]
    : Array.from({ length: 8 }, (_, day) => `${PREFIX.predictions}dt=${dayOf(from + day * DAY)}/`);
  const keys: string[] = [];
  for (const Prefix of folders)
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix }))
      for (const { Key } of Contents) if (Key) keys.push(Key);
  const seen = new Set<string>();
  const entities = new Set<string>();
  const by_version: Record<string, number> = {};
  const by_trigger: Record<string, number> = {};
  const days = Array.from({ length: 7 }, () => ({ scored: 0, above: 0 }));
  await mapConcurrently(keys, READERS, async (Key) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    const text = gunzipSync((await Body?.transformToByteArray()) ?? new Uint8Array()).toString('utf8');
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const one = predictionSchema.parse(JSON.parse(line));
      if (one.t < from || one.t >= to || seen.has(one.prediction_id)) continue;
      seen.add(one.prediction_id);
      entities.add(one.entity_id);
      by_version[one.model_version] = (by_version[one.model_version] ?? 0) + 1;
      by_trigger[one.trigger] = (by_trigger[one.trigger] ?? 0) + 1;
      const day = days[Math.floor((one.t - from) / DAY)]!;
      day.scored++;
      if (one.score > threshold) day.above++;
    }
  });
  return { predictions: seen.size, entities: entities.size, by_version, by_trigger, days, objects: keys.length };
}
