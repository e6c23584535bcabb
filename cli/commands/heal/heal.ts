import { randomUUID } from 'node:crypto';
import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { PREFIX } from '../../../names/lake.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { runGlueJob, type Watch } from '../../stage/jobs.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';

const count = z.number().int();
const reportSchema = z.object({
  run: z.string(),
  repair: z.enum(['no', 'yes', 'all']),
  views: z.array(
    z.object({
      view: z.string(),
      /** Why the view was not looked at. */
      skipped: z.string().optional(),
      snapshot_id: z.string().optional(),
      checked: count,
      /** Entities by what was found; see glue-scripts/tidemark_spark/spark/healing.py. */
      findings: z.record(z.string(), count),
      repaired: count.default(0),
      /** Written by the processor after they were compared: left for the next run. */
      raced: count.default(0),
      /** Erased meanwhile. */
      erased: count.default(0),
      /** Diverged, and not repaired, because there are too many. */
      held: count.default(0),
      /** Tombstone hashes of a few entities by finding. */
      examples: z.record(z.string(), z.array(z.string())).default({}),
      /** ms UTC. */
      started_at: count,
      seconds: z.number(),
    }),
  ),
});
export type HealingReport = z.infer<typeof reportSchema>;

/** Runs the healing's Glue job. @throws CliError when it fails */
export async function healStates(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  repair: HealingReport['repair'],
  watch: Watch = {},
): Promise<HealingReport> {
  const run = randomUUID();
  await runGlueJob(clients, resources.get('healStatesJob'), { '--repair': repair, '--run': run }, watch);
  return reportSchema.parse(await readReport(clients.s3, resources.get('lakeBucket'), run));
}

/** The day in the key is the one on which the job began. */
async function readReport(client: S3Client, Bucket: string, run: string): Promise<unknown> {
  for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: PREFIX.healing })) {
    const Key = page.Contents?.find((object) => object.Key?.endsWith(`/${run}.json`))?.Key;
    if (Key !== undefined) return readLakeJson(client, Bucket, Key);
  }
  throw new CliError(`The healing succeeded but wrote no report below ${PREFIX.healing}.`);
}
