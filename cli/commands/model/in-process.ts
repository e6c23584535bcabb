/** What serves where a stage has no endpoint: what the functions load, by the note of the lake. */
import { NoSuchKey } from '@aws-sdk/client-s3';
import { objectKey } from '../../../names/lake.ts';
import { servingDocument } from '../../../names/serving.ts';
import type { Clients } from '../../stage/connection.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';
import { readServed, type Served, versionOf } from './models.ts';

/** Whether functions load the model themselves (`endpoint.mode: 'in-process'`): then no endpoint is an output of the stacks. */
export const isInProcess = (resources: Resources): boolean => resources.find('endpoint') === undefined;

/** What answers now, by an endpoint or in the functions; undefined while nothing does. */
export async function servedNow(
  { sagemaker, s3 }: Pick<Clients, 'sagemaker' | 's3'>,
  resources: Resources,
): Promise<Served | undefined> {
  if (!isInProcess(resources)) return readServed(sagemaker, resources);
  const key = objectKey('serving', { usecase: resources.useCase });
  try {
    const { packages } = servingDocument.parse(await readLakeJson(s3, resources.get('lakeBucket'), key));
    const challenger = versionOf(resources, packages.challenger?.package_arn);
    return {
      ...{ endpoint: 'every function that scores', status: 'InService', config: '', failure: undefined },
      version: versionOf(resources, packages.champion.package_arn),
      ...(challenger === undefined ? {} : { challenger }),
    };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}
