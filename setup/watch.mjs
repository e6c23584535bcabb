// Runs something again whenever a file of ours is saved.

import { readdirSync, watch } from 'node:fs';
import { join, sep } from 'node:path';

/** What an editor and git write in bursts counts as one. */
const QUIET_MS = 300;
/** Made by tools and tests: a change there is no change of ours. */
const NOT_OURS = ['node_modules', 'cdk.out', 'datasets'];

/** @param {string} path from the watched folder */
export function isOurs(path) {
  const folders = path.split(sep);
  return !folders.some((name) => name.startsWith('.') || name === '__pycache__' || NOT_OURS.includes(name));
}

/**
 * Runs `work` now and after every burst of changes; what still runs is stopped by its signal first. Ends with the process.
 * @param {string} folder
 * @param {(stop: AbortSignal, changed: readonly string[]) => Promise<unknown>} work told what changed; nothing at first
 * @param {AbortSignal} [end] for tests
 * @returns {Promise<void>} once `end` said so
 */
export async function again(folder, work, end) {
  const changed = new Set();
  let wake;
  let stop = new AbortController();
  const saw = (path) => {
    if (!isOurs(path)) return;
    changed.add(path);
    stop.abort();
    wake?.();
  };
  const watchers = watchAll(folder, saw);
  const ended = new Promise((resolve) => {
    end?.addEventListener('abort', () => {
      stop.abort();
      resolve();
      wake?.();
    });
  });
  try {
    for (let first = true; !end?.aborted; first = false) {
      const files = [...changed].sort();
      changed.clear();
      stop = new AbortController();
      await work(stop.signal, first ? [] : files);
      if (changed.size === 0 && !end?.aborted) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      for (let known = -1; known !== changed.size && !end?.aborted; ) {
        known = changed.size;
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, QUIET_MS))]);
      }
    }
  } finally {
    for (const watcher of watchers) watcher.close();
  }
}

/** Folder by folder: those that are not ours have more files than a system watches. */
function watchAll(folder, saw) {
  const inner = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && isOurs(entry.name),
  );
  return [
    watch(folder, (_, path) => path && saw(path)),
    ...inner.map(({ name }) =>
      watch(join(folder, name), { recursive: true }, (_, path) => path && saw(join(name, path))),
    ),
  ];
}
