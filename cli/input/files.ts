/** Which files a user means: names, folders and patterns become files that are there, each once. */
import { access, constants, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { CliError } from '../errors.ts';
import { STDIN } from './text.ts';

/** Beside data Spark and Hadoop write `_SUCCESS` and `.part-0.crc`: bookkeeping, unless it is named by itself. */
const isBookkeeping = (name: string) => /^[_.]/.test(name);
const isPattern = (name: string) => /[*?]/.test(name);

/**
 * In the order of the names, the files of a folder (and of folders in it) and of a pattern by their names. A file that is
 * named twice, also by another path, is there once.
 * @throws CliError that names the first which is not there, can't be read or stands for no file
 */
export async function inputFiles(names: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const name of names) {
    for (const file of name === STDIN ? [STDIN] : await filesOf(name)) {
      // A pipe of the shell, `<(zcat …)`, has a path and no real one.
      const real = file === STDIN ? STDIN : await realpath(file).catch(() => file);
      if (!found.has(real)) found.set(real, file);
    }
  }
  return [...found.values()];
}

async function filesOf(name: string): Promise<string[]> {
  const at = await stat(name).catch((error: NodeJS.ErrnoException) => error.code);
  if (typeof at === 'object') {
    if (!at.isDirectory()) return [await readable(name)];
    const files = await below(name, new Set());
    if (files.length === 0) throw new CliError(`The folder ${name} has no files of events: give one that has.`, 2);
    return Promise.all(files.map(readable));
  }
  if (at === 'ENOENT' && isPattern(name)) {
    const files = await matches(name);
    if (files.length > 0) return Promise.all(files.map(readable));
    throw new CliError(
      `${name} matches no file: give the path of a file, or a pattern such as history/*.ndjson.gz.`,
      2,
    );
  }
  const why = at === 'ENOENT' || at === 'ENOTDIR' ? 'does not exist' : 'cannot be read';
  throw new CliError(`The file ${name} ${why}: give the path of a file of JSON events, plain or packed by gzip.`, 2);
}

async function readable(file: string): Promise<string> {
  try {
    await access(file, constants.R_OK);
  } catch {
    throw new CliError(`The file ${file} cannot be read: allow it, or leave it out.`, 2);
  }
  return file;
}

/** @param seen real paths of folders, since links may lead back */
async function below(folder: string, seen: Set<string>): Promise<string[]> {
  const real = await realpath(folder);
  if (seen.has(real)) return [];
  seen.add(real);
  const files: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (isBookkeeping(name)) continue;
    const path = join(folder, name);
    const directory = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
    files.push(...(directory ? await below(path, seen) : [path]));
  }
  return files;
}

/** Where no shell did it: `*` and `?` within a name, `**` for any folders. Folders that match stand for their files. */
async function matches(pattern: string): Promise<string[]> {
  let found = [pattern.startsWith(sep) ? sep : ''];
  for (const part of pattern.split(sep).filter((one) => one !== '')) {
    const next: string[] = [];
    for (const folder of found) {
      if (!isPattern(part)) next.push(join(folder, part));
      else if (part === '**') next.push(folder, ...(await foldersBelow(folder)));
      else
        next.push(
          ...(await namesIn(folder)).filter((name) => nameMatches(name, part)).map((name) => join(folder, name)),
        );
    }
    found = next;
  }
  const all: string[] = [];
  for (const path of found.sort()) {
    const at = await stat(path).catch(() => undefined);
    if (at) all.push(...(at.isDirectory() ? await below(path, new Set()) : [path]));
  }
  return all;
}

const namesIn = async (folder: string) => (await readdir(folder || '.').catch(() => [])).sort();

async function foldersBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder || '.', { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory() || isBookkeeping(entry.name)) continue;
    const path = join(folder, entry.name);
    found.push(path, ...(await foldersBelow(path)));
  }
  return found;
}

function nameMatches(name: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'su').test(name) && (!isBookkeeping(name) || isBookkeeping(pattern));
}

/**
 * Reads what can be read twice to its end before any of it is sent. A pipe is read once: what is wrong with its end is said
 * when it is reached.
 * @param read the records of a file
 * @returns how many records there are, pipes left out
 * @throws CliError that names every file that can't be read wholly
 */
export async function checkWhole(
  files: readonly string[],
  read: (path: string) => AsyncIterable<unknown>,
): Promise<number> {
  const problems: string[] = [];
  let records = 0;
  for (const file of files) {
    if (file === STDIN || !(await stat(file)).isFile()) continue;
    try {
      for await (const _ of read(file)) records++;
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new CliError(problems.join('\n'), 2);
  return records;
}
