/** Feast and PyFlink, each in a virtual environment of its own under .cache/peers; only `--peers` installs them. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { outputOf, ROOT } from '../node-process.ts';

export type Peer = 'feast' | 'flink';

/**
 * Idempotent: skipped where the stamp matches the pinned versions.
 * @returns its Python
 * @throws Error when pip fails, or a hash is not the pinned one
 */
export async function installed(peer: Peer, say: (text: string) => void): Promise<string> {
  const pinned = path.join(ROOT, 'bench', 'peers', `${peer}.txt`);
  const folder = path.join(ROOT, '.cache', 'peers', peer);
  const python = path.join(folder, 'bin', 'python');
  const stamp = path.join(folder, '.tidemark-stamp');
  const key = createHash('sha256').update(readFileSync(pinned)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return python;
  say(`installing ${peer} into .cache/peers/${peer}: some minutes`);
  mkdirSync(path.dirname(folder), { recursive: true });
  await outputOf(path.join(ROOT, '.venv', 'bin', 'python'), ['-m', 'venv', '--clear', folder], say);
  const args = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--progress-bar', 'off', '-r', pinned];
  await outputOf(python, args, say);
  writeFileSync(stamp, key);
  return python;
}
