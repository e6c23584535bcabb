/** Starts and stops the local cloud for the command line, the demo and the end-to-end test. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FUNCTIONS_NODE } from '../setup/environment.mjs';
import { assertLoopback } from './guard.ts';

/** One refusal by the emulator's IAM enforcement. */
export interface AccessDenied {
  /** e.g. `dynamodb:PutItem` */
  readonly action: string;
  /** ARN, or `*` when the action has none */
  readonly resource: string;
  /** ARN of the session, user or root that asked */
  readonly principal: string;
  /** ISO 8601 */
  readonly time: string;
}

/** What was held against the models of the APIs (local/tidemark_local/requests). */
export interface RequestsChecked {
  /** Different operations, and types of CloudFormation resources. */
  readonly operations: number;
  readonly requests: number;
  /** Values that were looked at. */
  readonly members: number;
  /** Operations of which at least one request was refused, e.g. `kinesis:PutRecord`. */
  readonly refused: readonly string[];
}

export interface LocalCloud {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly account: string;
  /** Folder with the log, the jobs' files and the audit of this run. */
  readonly stateDir: string;
  /** Every AWS_* variable a child process needs; it names no identity of the user's. Merge with {@link cloudEnvironment}. */
  readonly env: Readonly<Record<string, string>>;
  /** Configuration for AWS SDK v3 clients of this process. */
  readonly clientConfig: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    /** S3 only; other clients ignore it. */
    readonly forcePathStyle: true;
  };
  /** What IAM enforcement has refused so far, in order. */
  accessDenied(): Promise<AccessDenied[]>;
  /** What requests have been checked so far; up to a second behind. */
  requestsChecked(): Promise<RequestsChecked>;
  /** Ends the cloud and everything it started, within about 15 s. Calling it again waits for the same end. */
  stop(): Promise<void>;
}

export interface LocalCloudOptions {
  /** @default a new private folder, removed on stop */
  readonly stateDir?: string;
  /** File that gets the cloud's log. @default `cloud.log` in the state folder */
  readonly log?: string;
  /** Whether to say nothing about start and stop on stderr. @default false */
  readonly quiet?: boolean;
  /** @default a free port */
  readonly port?: number;
  /**
   * Seconds here for a second that AWS waits in deployments, alarms and Wait states: with 0.02 a canary of ten minutes bakes
   * for twelve seconds. @default 1
   */
  readonly timeScale?: number;
  /** The account's service quotas; `new-account` has no endpoint instance and ten concurrent executions. @default established */
  readonly quotas?: 'established' | 'new-account';
}

/** Thrown when the cloud does not start; the message ends with the last lines of its log. */
export class LocalCloudError extends Error {
  override readonly name = 'LocalCloudError';
}

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const REGION = 'us-east-1';
const ACCOUNT = '000000000000';
const START_MS = 30_000;
const STOP_MS = 15_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Starts the local cloud on a free port of 127.0.0.1, and resolves once it serves requests. */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const python = join(REPOSITORY, '.venv', 'bin', 'python');
  if (!existsSync(python)) {
    throw new LocalCloudError(
      'The Python environment .venv is missing: run `npm run setup` once, and then this command again.',
    );
  }
  const ownsState = options.stateDir === undefined;
  const stateDir = resolve(options.stateDir ?? mkdtempSync(join(tmpdir(), 'tidemark-')));
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const log = resolve(options.log ?? join(stateDir, 'cloud.log'));
  const readyFile = join(stateDir, 'ready.json');
  rmSync(readyFile, { force: true });

  const child = launch(python, { stateDir, readyFile, log, options, temporary: ownsState });
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', () => done());
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= end(child, ended).finally(() => {
      for (const signal of SIGNALS) process.removeListener(signal, onSignal);
      process.removeListener('exit', onExit);
      if (ownsState) rmSync(stateDir, { recursive: true, force: true });
    });
    return stopping;
  };
  // With these listeners Node no longer ends on the signal itself, so it is sent again once everything has stopped.
  const onSignal = (signal: NodeJS.Signals): void => {
    void stop().finally(() => {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  };
  const onExit = (): void => signalGroup(child, 'SIGTERM');
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('exit', onExit);

  try {
    const found = await ready(child, readyFile, log);
    if (!options.quiet) console.error(`Local cloud: ${found.endpoint} (log: ${log})`);
    return describe(found, stateDir, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The environment for a child process that talks to the local cloud: `base` without its AWS settings, with the cloud's.
 *
 * @param base @default `process.env`
 */
export function cloudEnvironment(
  cloud: Pick<LocalCloud, 'env'>,
  base: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const kept = Object.entries(base).filter(([name]) => !name.startsWith('AWS_') && !name.startsWith('CDK_DEFAULT_'));
  const direct = withoutProxy(base);
  return { ...Object.fromEntries(kept), ...cloud.env, NO_PROXY: direct, no_proxy: direct };
}

/** Hosts asked without a proxy: this machine and the user's own exceptions. By a proxy a call to loopback would leave this machine. */
function withoutProxy(base: NodeJS.ProcessEnv): string {
  const given = `${base.NO_PROXY ?? ''},${base.no_proxy ?? ''}`.split(',').filter(Boolean);
  return [...new Set(['127.0.0.1', 'localhost', '::1', ...given])].join(',');
}

function describe({ endpoint, port, ...credentials }: Ready, stateDir: string, stop: () => Promise<void>): LocalCloud {
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    CDK_DEFAULT_ACCOUNT: ACCOUNT,
    CDK_DEFAULT_REGION: REGION,
  };
  assertLoopback(env);
  return {
    endpoint,
    port,
    region: REGION,
    account: ACCOUNT,
    stateDir,
    env,
    clientConfig: { endpoint, region: REGION, credentials, forcePathStyle: true },
    accessDenied: () => readDenials(join(stateDir, 'access-denied.ndjson')),
    requestsChecked: () => readChecked(join(stateDir, 'requests-checked.json')),
    stop,
  };
}

function launch(
  python: string,
  of: { stateDir: string; readyFile: string; log: string; options: LocalCloudOptions; temporary: boolean },
): ChildProcess {
  const { stateDir, readyFile, log } = of;
  const { port = 0, timeScale = 1, quotas = 'established' } = of.options;
  const output = openSync(log, 'a', 0o600);
  try {
    return spawn(
      python,
      [
        ...['-m', 'tidemark_local', '--state-dir', stateDir, '--port', String(port), '--ready-file', readyFile],
        ...['--time-scale', String(timeScale), '--quotas', quotas, ...(of.temporary ? ['--temporary'] : [])],
        ...['--node', FUNCTIONS_NODE, '--parent-pid', String(process.pid)],
      ],
      {
        cwd: REPOSITORY,
        // NO_PROXY is set by the cloud for itself and its processes.
        env: { ...process.env, PYTHONPATH: join(REPOSITORY, 'local') },
        stdio: ['ignore', output, output],
        // A group of its own: Ctrl-C reaches this process alone, which then stops the cloud in order.
        detached: true,
      },
    );
  } finally {
    closeSync(output);
  }
}

/** What the cloud says of itself once it serves; the key is that of its account's root in this run. */
interface Ready {
  readonly endpoint: string;
  readonly port: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

async function ready(child: ChildProcess, readyFile: string, log: string): Promise<Ready> {
  const deadline = Date.now() + START_MS;
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  while (Date.now() < deadline) {
    if (existsSync(readyFile)) {
      const { endpoint, port, accessKeyId, secretAccessKey } = JSON.parse(readFileSync(readyFile, 'utf8')) as Ready;
      return { endpoint, port, accessKeyId, secretAccessKey };
    }
    if (failure) throw new LocalCloudError(`The local cloud could not be started: ${failure.message}`);
    if (child.exitCode !== null || child.signalCode !== null) {
      const how = child.exitCode === null ? `signal ${child.signalCode}` : `exit code ${child.exitCode}`;
      throw new LocalCloudError(`The local cloud ended while starting (${how}).\n${tail(log)}`);
    }
    await delay(50);
  }
  throw new LocalCloudError(`The local cloud was not ready after ${START_MS / 1000} s.\n${tail(log)}`);
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    const late = setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(late);
  }
  // The guardian ends what is left of the group within a moment.
  for (let waited = 0; groupExists(child) && waited < 3_000; waited += 50) await delay(50);
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function groupExists(child: ChildProcess): boolean {
  try {
    process.kill(-(child.pid as number), 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function readDenials(file: string): Promise<AccessDenied[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  // The last line may be half written.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AccessDenied);
}

async function readChecked(file: string): Promise<RequestsChecked> {
  type Counts = Record<'requests' | 'members' | 'refused', number>;
  const counts = JSON.parse(await readFile(file, 'utf8')) as Record<string, Counts>;
  const sum = (of: keyof Counts) => Object.values(counts).reduce((total, count) => total + count[of], 0);
  return {
    operations: Object.keys(counts).length,
    requests: sum('requests'),
    members: sum('members'),
    refused: Object.keys(counts).filter((name) => (counts[name]?.refused ?? 0) > 0),
  };
}

function tail(log: string): string {
  return existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n') : '';
}
