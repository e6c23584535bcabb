import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { DAY } from '../core/values/time.ts';
import { type ExperimentRecord, experimentRecord } from '../names/experiments.ts';
import { EXPERIMENT_KEY, RUNNING_KIND, scoresKey } from '../names/keys.ts';
import { objectKey } from '../names/lake.ts';
import { type ExperimentReport, experimentReport } from '../names/reports.ts';
import type { ExperimentAnswer } from './types.ts';

/** The experiment that runs, and what its last analysis found. @returns null where none runs */
export async function readExperiment(
  dynamodb: DynamoDBClient,
  s3: S3Client,
  { scoresTable, lakeBucket }: { readonly scoresTable: string; readonly lakeBucket: string },
): Promise<ExperimentAnswer | null> {
  const Key = scoresKey(EXPERIMENT_KEY, RUNNING_KIND);
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: scoresTable, Key }));
  if (!Item) return null;
  const { experiment, started_at } = experimentRecord.parse(JSON.parse(Item.record?.S ?? 'null'));
  const report = await readReport(s3, lakeBucket, experiment.name);
  return { name: experiment.name, started_at, metric: inWords(experiment), report };
}

function inWords({ metric }: ExperimentRecord['experiment']): string {
  if (metric.kind === 'label') return 'the label';
  return `${metric.feature}, ${Number((metric.after_ms / DAY).toFixed(1))} days later`;
}

async function readReport(s3: S3Client, Bucket: string, experiment: string): Promise<ExperimentReport | null> {
  try {
    const Key = objectKey('experimentReport', { experiment });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return experimentReport.parse(JSON.parse((await Body?.transformToString()) ?? 'null'));
  } catch (error) {
    if (error instanceof NoSuchKey) return null;
    throw error;
  }
}
