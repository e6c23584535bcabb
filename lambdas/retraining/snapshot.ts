import { EntityNotFoundException, GetTableCommand, type GlueClient } from '@aws-sdk/client-glue';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** The Iceberg table of events, as glue-scripts/tidemark_spark/lake/tables.py calls it. */
const EVENTS = 'events';

/**
 * Id of the current snapshot of the table of events; null before there is one.
 * @throws Error when the catalog names no metadata, which it does for every Iceberg table
 */
export async function eventsSnapshot(glue: GlueClient, s3: S3Client, database: string): Promise<string | null> {
  const location = await metadataOf(glue, database);
  if (location === null) return null;
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(location) ?? [];
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return currentSnapshot(await Body!.transformToString());
}

async function metadataOf(glue: GlueClient, database: string): Promise<string | null> {
  try {
    const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: EVENTS }));
    const location = Table?.Parameters?.metadata_location;
    if (location === undefined)
      throw new Error(`${EVENTS}: found no metadata_location in the catalog; land the history again`);
    return location;
  } catch (error) {
    if (error instanceof EntityNotFoundException) return null;
    throw error;
  }
}

/**
 * The id as text: it has 64 bits, and JSON.parse keeps 53 of them.
 * @param metadata of an Iceberg table, JSON (https://iceberg.apache.org/spec/#table-metadata-fields). -1 and null: no snapshot
 */
function currentSnapshot(metadata: string): string | null {
  const [, id] = /"current-snapshot-id"\s*:\s*(-?\d+)/.exec(metadata) ?? [];
  return id === undefined || id === '-1' ? null : id;
}
