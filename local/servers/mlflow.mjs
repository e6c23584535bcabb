// A real MLflow server for tests, on loopback and a free port, gone with the process that started it. Its packages are a
// set-up of their own (850 MB), made when the first test asks for them and kept in `.cache`.
//
//   node local/servers/mlflow.mjs              prints {"url": …} as one line, and serves until its standard input ends
//   node local/servers/mlflow.mjs --artifacts s3://bucket/folder    files of runs are put there by who makes them

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CACHE, VENV_PYTHON } from '../../setup/environment.mjs';
import { Progress } from '../../setup/progress.mjs';
import { freePort } from './free-port.mjs';

const LOCK = fileURLToPath(new URL('mlflow.lock.txt', import.meta.url));
/** A machine that does much else. */
const READY_MS = 180_000;
// A session of its own, whose workers end with it when our pipe does.
const UNTIL_INPUT_ENDS =
  'exec 3<&0; { cat <&3 >/dev/null; kill -TERM -$$; } >/dev/null 2>&1 & exec "$@" </dev/null 3<&-';
const ENVIRONMENT = {
  // Ten processes else, for jobs that nobody starts.
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  DO_NOT_TRACK: 'true',
  MLFLOW_DISABLE_TELEMETRY: 'true',
  PYTHONDONTWRITEBYTECODE: '',
};

/**
 * Starts an empty server; takes about ten seconds, and minutes once for its packages.
 *
 * @param {{artifacts?: string}} [options] where files of runs lie that the server does not take itself
 * @returns {Promise<{url: string, stop: () => Promise<void>}>}
 * @throws {Error} with what the server said when it does not start
 */
async function startMlflow({ artifacts } = {}) {
  const made = await environment();
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-mlflow-'));
  copyFileSync(join(made, 'empty.db'), join(folder, 'mlflow.db'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const stores = artifacts
    ? ['--no-serve-artifacts', '--default-artifact-root', artifacts]
    : ['--artifacts-destination', join(folder, 'artifacts')];
  const child = spawn(
    'sh',
    [
      ...['-c', UNTIL_INPUT_ENDS, 'sh', join(made, 'bin', 'python'), '-m', 'mlflow', 'server'],
      ...['--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
      ...['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`, ...stores],
    ],
    { cwd: folder, env: { ...process.env, ...ENVIRONMENT }, stdio: ['pipe', 'ignore', 'pipe'], detached: true },
  );
  const said = [];
  child.stderr.on('data', (part) => said.push(String(part)));
  const ended = once(child, 'exit');
  const stop = async () => {
    child.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  if (await answers(url, child)) return { url, stop };
  await stop();
  throw new Error(`MLflow did not start: ${said.join('').trim().split('\n').slice(-5).join(' ')}`);
}

async function answers(url, child) {
  const until = Date.now() + READY_MS;
  while (child.exitCode === null && Date.now() < until) {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) }).catch(() => null);
    if (response?.ok) return true;
    await sleep(100);
  }
  return false;
}

/** Folder of a Python with MLflow as it is locked, and of a database that has its tables. */
async function environment() {
  const key = createHash('sha256').update(readFileSync(LOCK)).digest('hex').slice(0, 12);
  const folder = join(CACHE, 'test-packages', `mlflow-${key}`);
  if (existsSync(folder)) return folder;
  // Standard output may be a test's own.
  await new Progress(process.stderr).step('MLflow, a server beside the local cloud → .cache', async () => make(folder));
  return folder;
}

/** The address of a Python stands in its scripts, so it is made where it stays, and called done when it is. */
function make(folder) {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(join(CACHE, 'test-packages'), { recursive: true });
  const python = join(part, 'bin', 'python');
  run(VENV_PYTHON, ['-m', 'venv', part]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--require-hashes', '-r', LOCK]);
  run(python, ['-m', 'mlflow', 'db', 'upgrade', `sqlite:///${join(part, 'empty.db')}`]);
  renameSync(part, folder);
}

function run(command, args) {
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...ENVIRONMENT },
  });
  if (status !== 0)
    throw new Error(`${command} ${args.slice(0, 3).join(' ')} ended with ${status}: ${error ?? stderr}`);
}

const [, , option, artifacts] = process.argv;
const { url, stop } = await startMlflow(option === '--artifacts' ? { artifacts } : {});
console.log(JSON.stringify({ url }));
for await (const _ of process.stdin);
await stop();
