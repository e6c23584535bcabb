import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';

/** Unpacked; larger is no model of trees, and would fill the function's memory (bytes). */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * The files of these names at the root of a packed archive; those that are not there are left out.
 * @throws Error when it is no archive, or larger than a function can hold
 */
export async function filesOf<Name extends string>(
  archive: Uint8Array,
  names: readonly Name[],
): Promise<Map<Name, Uint8Array>> {
  const files = new Map<Name, Uint8Array>();
  // Not in a pipe, which would wait for ever behind a part that fails.
  const unpacked = gunzipSync(archive, { maxOutputLength: MOST_BYTES });
  for await (const entry of Readable.from([unpacked]).pipe(extract())) {
    const parts: Buffer[] = [];
    for await (const part of entry as AsyncIterable<Buffer>) parts.push(part);
    const name = names.find((one) => one === entry.header.name.replace(/^\.\//, ''));
    if (name !== undefined) files.set(name, Buffer.concat(parts));
  }
  return files;
}
