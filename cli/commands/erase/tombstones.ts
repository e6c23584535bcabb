/**
 * Where it is remembered who was erased: objects of the lake, which no restore of a table takes back, and items of the
 * features table, which functions and jobs ask.
 */
import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { putTombstone } from '../../../lambdas/aws/dynamo/tombstones.ts';
import { type Tombstone, writeTombstone as write } from '../../../lambdas/aws/erasure.ts';
import { PREFIX } from '../../../names/lake.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';

const HASH = /^[0-9a-f]{64}$/;
const content = z.object({ cleared_at: z.int().nonnegative() });

/** As `writeTombstone` of the functions, for a deployment. */
export const writeTombstone = (
  { s3, dynamodb }: Pick<Clients, 's3' | 'dynamodb'>,
  resources: Resources,
  tombstone: Tombstone,
): Promise<void> =>
  write(
    { s3, dynamodb },
    { lakeBucket: resources.get('lakeBucket'), featuresTable: resources.get('featuresTable') },
    tombstone,
  );

/** Puts every tombstone of the lake into the features table; may be repeated. @returns their hashes */
export async function putTombstonesBack(
  { s3, dynamodb }: Pick<Clients, 's3' | 'dynamodb'>,
  resources: Resources,
): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  for await (const tombstone of readTombstones(s3, resources.get('lakeBucket'))) {
    await putTombstone(dynamodb, resources.get('featuresTable'), tombstone.hash, tombstone.cleared_at);
    hashes.add(tombstone.hash);
  }
  return hashes;
}

/** @throws CliError for an object that is no tombstone: what it stands for must not be passed over */
export async function* readTombstones(client: S3Client, Bucket: string): AsyncGenerator<Tombstone> {
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix: PREFIX.tombstones })) {
    for (const { Key = '' } of Contents) {
      const hash = Key.slice(PREFIX.tombstones.length);
      const parsed = HASH.test(hash) ? content.safeParse(await readLakeJson(client, Bucket, Key)) : undefined;
      if (!parsed?.success)
        throw new CliError(
          `${PREFIX.tombstones}: an object is not a tombstone; remove it, or bring its last version back.`,
        );
      yield { hash, cleared_at: parsed.data.cleared_at };
    }
  }
}
