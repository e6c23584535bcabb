import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

/**
 * Packs a folder as SageMaker's script mode wants its code (`sourcedir.tar.gz`). The same files give the same bytes on every
 * machine, so that nothing is deployed when nothing changed: sorted, without owner, time or mode of this machine.
 *
 * @param folder its content becomes the root of the archive; caches and hidden files are left out
 * @param wheels paths of what comes along as `wheels/…`
 * @returns the path written
 */
export async function writeSourceArchive(
  folder: string,
  target: string,
  wheels: readonly string[] = [],
): Promise<string> {
  const archive = pack();
  const add = (name: string, file: string) =>
    archive.entry({ name, mode: 0o644, mtime: new Date(0) }, readFileSync(file));
  for (const name of filesOf(folder)) add(name, path.join(folder, name));
  for (const wheel of wheels) add(`wheels/${path.basename(wheel)}`, wheel);
  archive.finalize();
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, gzipSync(await buffer(archive), { level: 9 }));
  return target;
}

function filesOf(folder: string, below = ''): string[] {
  return readdirSync(path.join(folder, below))
    .filter((name) => !name.startsWith('.') && name !== '__pycache__' && !name.endsWith('.pyc'))
    .sort()
    .flatMap((name) => {
      const file = path.posix.join(below, name);
      return statSync(path.join(folder, file)).isDirectory() ? filesOf(folder, file) : [file];
    });
}
