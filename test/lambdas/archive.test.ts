/** Archives of training jobs as functions read them: whole, broken, too large. A broken one must not hang. */
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { pack } from 'tar-stream';
import { filesIn } from '../../lambdas/aws/archive.ts';

const MOST_BYTES = 64 * 1024;

async function packed(): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: './metrics.json' }, '{}');
  archive.entry({ name: './plots', type: 'directory' });
  archive.entry({ name: 'plots/lift.svg' }, '<svg/>'.repeat(3000));
  archive.finalize();
  return gzipSync(await buffer(archive));
}

test('files by their names, without folders', async () => {
  const files = await filesIn(await packed(), MOST_BYTES);
  expect([...files.keys()]).toEqual(['metrics.json', 'plots/lift.svg']);
  expect(files.get('metrics.json')!.toString('utf8')).toBe('{}');
});

test('a gzip that was cut off or changed is refused', async () => {
  const archive = await packed();
  const changed = Buffer.from(archive);
  changed[archive.length - 6]! ^= 1;
  for (const broken of [archive.subarray(0, -20), changed, Buffer.from('no archive'), Buffer.alloc(0)])
    await expect(filesIn(broken, MOST_BYTES)).rejects.toThrow(/^archive: found no whole gzip \(/);
});

test('a tar that was cut off inside a whole gzip is refused', async () => {
  const tar = gunzipSync(await packed());
  await expect(filesIn(gzipSync(tar.subarray(0, 4000)), MOST_BYTES)).rejects.toThrow('Unexpected end of data');
  await expect(filesIn(gzipSync('x'.repeat(2048)), MOST_BYTES)).rejects.toThrow('Invalid tar header');
});

test('what unpacks to more than may be is refused', async () => {
  const archive = await packed();
  const { length } = gunzipSync(archive);
  expect((await filesIn(archive, length)).size).toBe(2);
  await expect(filesIn(archive, length - 1)).rejects.toThrow(`archive: found more than ${length - 1} bytes`);
});
