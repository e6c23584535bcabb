import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';

/**
 * The files of a tar.gz by their names.
 * @param mostBytes that it may unpack to
 * @throws Error when it unpacks to more, or is no whole tar.gz
 */
export async function filesIn(archive: Uint8Array, mostBytes: number): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  // Not in the pipe: a part that fails does not end the one behind it, which would wait for ever.
  const unpacked = unpack(archive, mostBytes);
  for await (const entry of Readable.from([unpacked]).pipe(extract())) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    if (entry.header.type === 'file') files.set(entry.header.name.replace(/^\.\//, ''), Buffer.concat(chunks));
  }
  return files;
}

function unpack(archive: Uint8Array, maxOutputLength: number): Buffer {
  try {
    return gunzipSync(archive, { maxOutputLength });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new Error(`archive: found more than ${maxOutputLength} bytes; allowed are so many`);
    throw new Error(`archive: found no whole gzip (${message}); allowed: a tar.gz as the training job wrote it`);
  }
}
