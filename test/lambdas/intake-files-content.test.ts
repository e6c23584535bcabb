/** What an object has in it, packed or not, and no more of it than is allowed. */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { expect, jest, test } from '@jest/globals';
import { contentOf } from '../../lambdas/intake-files/content.ts';

async function read(stored: Buffer, most?: number): Promise<Buffer> {
  const s3 = new S3Client({ region: 'us-east-1' });
  const pieces = Array.from(stored, (byte) => Buffer.of(byte));
  jest.spyOn(s3, 'send').mockImplementation(async () => ({ Body: Readable.from(pieces) }));
  const found: Uint8Array[] = [];
  for await (const piece of contentOf(s3, { bucket: 'b', key: 'k' }, most)) found.push(piece);
  return Buffer.concat(found);
}

test.each(['', 'a', '\x1f', 'id,note\n1,x\n'])('%j is what it was, plain and packed', async (text) => {
  expect((await read(Buffer.from(text))).toString()).toBe(text);
  expect((await read(gzipSync(text))).toString()).toBe(text);
});

test('what gzip hides is read no further than is allowed', async () => {
  const bomb = gzipSync(Buffer.alloc(1_000_000));
  expect(await read(bomb, 1_000_000)).toHaveLength(1_000_000);
  await expect(read(bomb, 999_999)).rejects.toThrow('found more than 999999 bytes unpacked; allowed: up to 999999');
});

test('what is damaged or cut is no content', async () => {
  const packed = gzipSync('id,note\n1,x\n');
  await expect(read(packed.subarray(0, -1))).rejects.toThrow('unexpected end of file');
  packed[packed.length - 6]! ^= 1;
  await expect(read(packed)).rejects.toThrow('incorrect data check');
});
