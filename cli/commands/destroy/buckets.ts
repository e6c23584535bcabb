import {
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  type ObjectIdentifier,
  type S3Client,
} from '@aws-sdk/client-s3';
import { CliError } from '../../errors.ts';

/**
 * Deletes all objects of a bucket, with all their versions and delete markers.
 * @param onProgress gets the number deleted so far
 * @returns versions and markers deleted; a bucket that is gone is empty
 * @throws CliError when S3 keeps one, with its reason
 */
export async function emptyBucket(
  client: S3Client,
  Bucket: string,
  onProgress: (deleted: number) => void = () => {},
): Promise<number> {
  let deleted = 0;
  let from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {};
  try {
    while (from) {
      // 1,000 a page, as many as DeleteObjects takes.
      const page: Awaited<ReturnType<typeof listVersions>> = await listVersions(client, Bucket, from);
      if (page.objects.length > 0) await deleteAll(client, Bucket, page.objects);
      deleted += page.objects.length;
      onProgress(deleted);
      from = page.next;
    }
  } catch (error) {
    if (!(error instanceof Error && error.name === 'NoSuchBucket')) throw error;
  }
  return deleted;
}

async function listVersions(client: S3Client, Bucket: string, from: object) {
  const page = await client.send(new ListObjectVersionsCommand({ Bucket, ...from }));
  const objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(
    ({ Key, VersionId }): ObjectIdentifier => ({ Key, ...(VersionId ? { VersionId } : {}) }),
  );
  const next = page.IsTruncated
    ? {
        ...(page.NextKeyMarker ? { KeyMarker: page.NextKeyMarker } : {}),
        ...(page.NextVersionIdMarker ? { VersionIdMarker: page.NextVersionIdMarker } : {}),
      }
    : undefined;
  return { objects, next };
}

async function deleteAll(client: S3Client, Bucket: string, Objects: ObjectIdentifier[]): Promise<void> {
  const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
  const [first] = Errors;
  if (first)
    throw new CliError(
      `Bucket ${Bucket} kept ${Errors.length} objects (${first.Code}: ${first.Message}): grant yourself s3:DeleteObjectVersion and run this again.`,
    );
}
