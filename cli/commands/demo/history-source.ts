import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from '../../children.ts';
import { CliError } from '../../errors.ts';
import { PYTHON, ROOT } from '../../paths.ts';
import { loadDemo } from './definition.ts';

export interface SourceOptions {
  readonly usecase: string;
  /** Folder that gets `history-*.ndjson.gz` and `live-*.ndjson.gz`. */
  readonly folder: string;
  /** ISO 8601: events that became known before it are history, the others are live. */
  readonly cut: string;
  /** ISO 8601: nothing later is written. */
  readonly until: string;
  /** Only that many entities (the first by id); undefined: all. */
  readonly entities?: number;
  readonly signal: AbortSignal;
}

export interface SourceFiles {
  readonly history: readonly string[];
  readonly live: readonly string[];
}

/** Writes the use case's real events as NDJSON, by the loader that its demo names. @throws CliError when it has none */
export async function writeEvents(options: SourceOptions): Promise<SourceFiles> {
  const { folder, cut, until, entities, signal } = options;
  const { loader } = await loadDemo(options.usecase);
  const args = [loader, '--out', folder, '--cut', cut, '--until', until];
  if (entities !== undefined) args.push('--entities', String(entities));
  await runChild(PYTHON, args, { cwd: ROOT, env: process.env, log: join(folder, 'load-events.log'), signal });
  const names = readdirSync(folder).sort();
  const pick = (prefix: string) =>
    names.filter((name) => name.startsWith(prefix) && /\.ndjson(\.gz)?$/.test(name)).map((name) => join(folder, name));
  const files = { history: pick('history'), live: pick('live') };
  if (files.history.length === 0 || files.live.length === 0) {
    throw new CliError(
      `${loader} wrote ${files.history.length} history and ${files.live.length} live files to ${folder}; at least one of each is needed.`,
    );
  }
  return files;
}
