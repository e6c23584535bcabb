import { z } from 'zod';
import { objectKey } from '../../../names/lake.ts';
import type { Clients } from '../../stage/connection.ts';
import { runGlueJob, type Watch } from '../../stage/jobs.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';

const keys = z.array(z.string());
const reportSchema = z.looseObject({
  training_set_id: z.string(),
  snapshot_id: z.string(),
  equal: z.number(),
  different: keys,
  missing: keys,
  unexpected: keys,
  erased: z.number(),
  writer: z.object({ recorded: z.string(), now: z.string() }),
});
export type RebuildReport = z.infer<typeof reportSchema>;

/** Makes the files of a training set again, from what its manifest records, and compares them by their hashes. */
export async function rebuildTrainingSet(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  id: string,
  watch: Watch = {},
): Promise<RebuildReport> {
  await runGlueJob(clients, resources.get('buildTrainingSetJob'), { '--rebuild': id }, watch);
  const Key = objectKey('rebuiltTrainingSet', { training_set_id: id });
  return reportSchema.parse(await readLakeJson(clients.s3, resources.get('lakeBucket'), Key));
}
