/** An object's content, unpacked and a piece at a time. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** Unpacked. What gzip hides is known only once it was read: this much is read of any object at most. */
const MAX_CONTENT_BYTES = 1024 * 1024 * 1024;

class ContentError extends Error {
  override readonly name = 'ContentError';
}

/**
 * @param most bytes that are given on
 * @throws the SDK's error when there is no such object, zlib's when it is damaged, ContentError when it is too large
 */
export async function* contentOf(
  s3: S3Client,
  object: { bucket: string; key: string },
  most = MAX_CONTENT_BYTES,
): AsyncGenerator<Uint8Array> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: object.bucket, Key: object.key }));
  yield* unpacked(Body as Readable, most);
}

/** gzip is told by its first two bytes, whatever the object is called. */
async function* unpacked(packed: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of await plain(packed)) {
    bytes += piece.length;
    if (bytes > most) throw new ContentError(`object: found more than ${most} bytes unpacked; allowed: up to ${most}`);
    yield piece;
  }
}

async function plain(packed: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const pieces = packed[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const { value, done } = await pieces.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const whole = (async function* () {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => pieces };
  })();
  if (head[0] !== 0x1f || head[1] !== 0x8b) return whole;
  const gunzip = createGunzip();
  // An error comes out of the unpacked stream.
  pipeline(Readable.from(whole), gunzip, () => {});
  return gunzip;
}
