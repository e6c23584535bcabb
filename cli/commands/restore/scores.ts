/** Makes the table of scores anew from the predictions of the lake, so that nobody is alerted for what was told before. */
import { gunzipSync } from 'node:zlib';
import { type DynamoDBClient, PutItemCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { tombstoneOf } from '../../../core/admission/tombstone.ts';
import type { AlertIR } from '../../../core/ir/document.ts';
import { type AlertState, decide, NEVER_ALERTED } from '../../../core/scores/alerts.ts';
import type { Prediction } from '../../../engine/ports.ts';
import { DynamoFirstScore } from '../../../lambdas/aws/dynamo/first-score.ts';
import { DynamoScores } from '../../../lambdas/aws/dynamo/scores.ts';
import { WAITING_KIND } from '../../../names/keys.ts';
import { PREFIX } from '../../../names/lake.ts';
import type { Clients } from '../../stage/connection.ts';
import type { Watch } from '../../stage/jobs.ts';
import type { Resources } from '../../stage/resources.ts';
import { putTombstonesBack } from '../erase/tombstones.ts';
import { pauseFunction, pauseReader, resumeFunction, resumeReader } from './pause.ts';

export interface RestoredScores {
  readonly tombstones: number;
  /** Of the copy: scores, alerts and the mark of the first score. */
  readonly copied: number;
  /** Entities whose score was made from their predictions. */
  readonly folded: number;
}

/**
 * Scorer and sweep stop first: each entity above the threshold would alert as if for the first time. May be repeated.
 * @param copy a table restored from a point in time, whose alerts come back as sent. @default - the lake alone
 * @param kept_days as the stage keeps scores
 * @throws the SDK's error when a store can't be read or written; both stay paused then
 */
export async function restoreScores(
  clients: Clients,
  resources: Resources,
  alerts: AlertIR,
  copy: string | undefined,
  kept_days: number,
  watch: Watch = {},
): Promise<RestoredScores> {
  const { dynamodb, lambda, s3 } = clients;
  const [scorer, sweep] = [resources.get('scorerFunction'), resources.get('sweepFunction')];
  const table = resources.get('scoresTable');
  // A call that is under way meets what is written here by its condition, and decides again.
  await Promise.all([pauseReader(lambda, scorer, watch), pauseFunction(lambda, sweep)]);
  const erased = await putTombstonesBack(clients, resources);
  watch.onState?.('reads the predictions');
  const latest = await foldPredictions(s3, resources.get('lakeBucket'), alerts);
  const store = new DynamoScores(dynamodb, table, kept_days);
  let folded = 0;
  for (const { prediction, alert_state } of latest.values()) {
    if (erased.has(tombstoneOf(prediction.entity_id))) continue;
    const score = { ...prediction, alert_state };
    // Of a table that was only spoilt, what is newer stays.
    const [found] = (await store.read([prediction.entity_id])).values();
    if (found && found.t >= prediction.t) continue;
    if (await store.write(score, found?.revision ?? null, null)) folded += 1;
  }
  const copied = copy === undefined ? 0 : await copyItems(dynamodb, copy, table, erased);
  if (latest.size > 0) await new DynamoFirstScore(dynamodb, table).record();
  await resumeReader(lambda, scorer);
  await resumeFunction(lambda, sweep);
  return { tombstones: erased.size, copied, folded };
}

interface Folded {
  readonly prediction: Prediction;
  readonly alert_state: AlertState;
}

/**
 * Each entity's last score, and what its alerts had come to: the decisions that were made, made again in the same order.
 * Answers of the API decide nothing. Days are read one after the other, so only the newest score of an entity is kept.
 */
export async function foldPredictions(s3: S3Client, Bucket: string, alerts: AlertIR): Promise<Map<string, Folded>> {
  const folded = new Map<string, Folded>();
  let day: { name: string; predictions: Prediction[] } = { name: '', predictions: [] };
  const foldDay = () => {
    for (const prediction of day.predictions.sort((a, b) => a.t - b.t)) {
      const before = folded.get(prediction.entity_id);
      const { t, model_version } = prediction;
      if (before && (before.prediction.t > t || sameScore(before.prediction, { t, model_version }))) continue;
      const { next } = decide(alerts, before?.alert_state ?? NEVER_ALERTED, prediction.score, t);
      folded.set(prediction.entity_id, { prediction, alert_state: next });
    }
  };
  // Listed in the order of their keys, which begin with the day.
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix: PREFIX.predictions })) {
    for (const { Key = '' } of Contents) {
      const name = Key.slice(0, Key.lastIndexOf('/'));
      if (name !== day.name) {
        foldDay();
        day = { name, predictions: [] };
      }
      for (const one of await readPredictions(s3, Bucket, Key)) if (one.trigger !== 'api') day.predictions.push(one);
    }
  }
  foldDay();
  return folded;
}

const sameScore = (a: Prediction, b: Pick<Prediction, 't' | 'model_version'>) =>
  a.t === b.t && a.model_version === b.model_version;

async function readPredictions(s3: S3Client, Bucket: string, Key: string): Promise<Prediction[]> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  const text = gunzipSync((await Body?.transformToByteArray()) ?? new Uint8Array()).toString('utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Prediction);
}

/** Items that are not there, of nobody who was erased. An alert that waited then was sent since, or is old news. */
async function copyItems(
  client: DynamoDBClient,
  from: string,
  to: string,
  erased: ReadonlySet<string>,
): Promise<number> {
  let copied = 0;
  for await (const { Items = [] } of paginateScan({ client }, { TableName: from })) {
    for (const item of Items) {
      if (erased.has(tombstoneOf(item.entity_id?.S ?? ''))) continue;
      // What waited for its turn then has had it since, one way or the other.
      if (item.kind?.S === WAITING_KIND) continue;
      const Item = item.status === undefined ? item : { ...item, status: { S: 'sent' } };
      try {
        const absent = { ConditionExpression: 'attribute_not_exists(entity_id)' };
        await client.send(new PutItemCommand({ TableName: to, Item, ...absent }));
        copied += 1;
      } catch (error) {
        if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
      }
    }
  }
  return copied;
}
