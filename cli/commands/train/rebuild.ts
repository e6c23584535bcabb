import { objectKey } from '../../../names/lake.ts';
import { type RebuildReport, rebuildReport } from '../../../names/reports.ts';
import type { Clients } from '../../stage/connection.ts';
import { runGlueJob, type Watch } from '../../stage/jobs.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';

/** Makes the files of a training set again, from what its manifest records, and compares them by their hashes. */
export async function rebuildTrainingSet(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  id: string,
  watch: Watch = {},
): Promise<RebuildReport> {
  await runGlueJob(clients, resources, 'buildTrainingSet', { rebuild: id }, watch);
  const Key = objectKey('rebuiltTrainingSet', { training_set_id: id });
  return rebuildReport.parse(await readLakeJson(clients.s3, resources.get('lakeBucket'), Key));
}
