import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

/**
 * The files of a tar.gz by their names.
 * @param mostBytes of all of them together. @throws Error when they are more
 */
export async function filesIn(archive: Uint8Array, mostBytes: number): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  let bytes = 0;
  for await (const entry of Readable.from([archive]).pipe(createGunzip()).pipe(extract())) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) {
      bytes += (chunk as Buffer).length;
      if (bytes > mostBytes) throw new Error(`archive: found more than ${mostBytes} bytes; allowed are so many`);
      chunks.push(chunk as Buffer);
    }
    if (entry.header.type === 'file') files.set(entry.header.name.replace(/^\.\//, ''), Buffer.concat(chunks));
  }
  return files;
}
