import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder (absolute). */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** What a run of the local cloud leaves behind: its state, logs and cloud assembly. Ignored by git. */
export const RUNS = join(ROOT, '.tidemark');
export const PYTHON = join(ROOT, '.venv', 'bin', 'python');
