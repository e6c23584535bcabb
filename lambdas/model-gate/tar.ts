/** Reads one small file out of a tar archive (POSIX.1-1988 ustar and its pax extension, as Python's tarfile writes it). */

const BLOCK = 512;

/** The archive holds no such file, or is damaged. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

/**
 * @param archive uncompressed bytes
 * @param file name without folders
 * @throws ArchiveError when it isn't there or the archive is cut off
 */
export function readFromTar(archive: Uint8Array, file: string): Uint8Array {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const name = text(archive, at, 100);
    const size = Number.parseInt(text(archive, at + 124, 12).trim() || '0', 8);
    const type = text(archive, at + 156, 1);
    const start = at + BLOCK;
    if (!Number.isSafeInteger(size) || start + size > archive.length) throw new ArchiveError('the archive is cut off');
    // Other types are folders, links and pax headers.
    if ((type === '0' || type === '') && name.split('/').at(-1) === file) return archive.subarray(start, start + size);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new ArchiveError(`${file}: found none; allowed: one, written by the training script into its output folder`);
}

function text(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
}
