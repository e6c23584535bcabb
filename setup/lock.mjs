// `npm run lock`: package-lock.json anew from package.json, with the optional packages of every platform.

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './environment.mjs';
import { exitCodeOf, runAttached } from './processes.mjs';

const LOCK = 'package-lock.json';

// Beside a node_modules npm writes only what is installed there, and leaves the other platforms out (npm/cli#4828).
const folder = mkdtempSync(join(tmpdir(), 'tidemark-lock-'));
try {
  for (const name of ['package.json', '.npmrc', LOCK]) copyFileSync(join(ROOT, name), join(folder, name));
  const ended = await runAttached('npm', ['install', '--package-lock-only'], { cwd: folder, env: process.env });
  process.exitCode = exitCodeOf(ended);
  if (process.exitCode === 0) copyFileSync(join(folder, LOCK), join(ROOT, LOCK));
} finally {
  rmSync(folder, { recursive: true });
}
