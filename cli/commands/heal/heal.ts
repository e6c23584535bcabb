import { randomUUID } from 'node:crypto';
import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { PREFIX } from '../../../names/lake.ts';
import { type HealingReport, healingReport } from '../../../names/reports.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { runGlueJob, type Watch } from '../../stage/jobs.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';

/** Runs the healing's Glue job. @throws CliError when it fails */
export async function healStates(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  repair: HealingReport['repair'],
  watch: Watch = {},
): Promise<HealingReport> {
  const run = randomUUID();
  await runGlueJob(clients, resources, 'healStates', { repair, run }, watch);
  return healingReport.parse(await readReport(clients.s3, resources.get('lakeBucket'), run));
}

/** The day in the key is the one on which the job began. */
async function readReport(client: S3Client, Bucket: string, run: string): Promise<unknown> {
  for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: PREFIX.healing })) {
    const Key = page.Contents?.find((object) => object.Key?.endsWith(`/${run}.json`))?.Key;
    if (Key !== undefined) return readLakeJson(client, Bucket, Key);
  }
  throw new CliError(`The healing succeeded but wrote no report below ${PREFIX.healing}.`);
}
