import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/**
 * Packs a folder as SageMaker's script mode wants its code (`sourcedir.tar.gz`). The same files give the same bytes on every
 * machine, so that nothing is deployed when nothing changed: sorted, without owner, time or mode of this machine.
 *
 * Format: ustar, IEEE Std 1003.1 "pax", section "ustar Interchange Format".
 *
 * @param folder its content becomes the root of the archive; caches and hidden files are left out
 * @returns the path written
 * @throws RangeError when a path does not fit into a ustar header (100 bytes)
 */
export function writeSourceArchive(folder: string, target: string): string {
  const parts: Buffer[] = [];
  for (const file of filesOf(folder)) {
    const content = readFileSync(path.join(folder, file));
    parts.push(header(file, content.length), content, Buffer.alloc(-content.length & (BLOCK - 1)));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, gzipSync(Buffer.concat(parts), { level: 9 }));
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

function header(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 100) {
    throw new RangeError(
      `${name}: path of ${Buffer.byteLength(name)} bytes; allowed: 100. Shorten the path below model/.`,
    );
  }
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  block.write(name, 0);
  block.write(octal(0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  // The checksum is taken with its own field full of blanks.
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
