import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { CliError } from './errors.ts';

const KILL_AFTER_MS = 8_000;
const TAIL_LINES = 20;
const running = new Set<ChildProcess>();

export interface ChildOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets all output. */
  readonly log: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** `groups` of their own: an interrupt of the terminal reaches us alone, and we end them in order. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Runs a program to its end with its output in a log file.
 * @throws CliError with the last lines of the log when it does not end with code 0; the signal's reason when aborted
 */
export async function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<void> {
  options.signal?.throwIfAborted();
  const log = createWriteStream(options.log, { flags: 'a' });
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  const abort = () => signalGroup(child, 'SIGTERM');
  options.signal?.addEventListener('abort', abort, { once: true });
  let rest = '';
  const take = (chunk: Buffer) => {
    log.write(chunk);
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) options.onLine?.(line);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  try {
    const how = await new Promise<string | undefined>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `code ${code}`)));
    });
    await new Promise<void>((resolve) => log.end(resolve));
    options.signal?.throwIfAborted();
    if (how === undefined) return;
    const tail = (await readFile(options.log, 'utf8')).trimEnd().split('\n').slice(-TAIL_LINES);
    throw new CliError(
      `${[command, ...args].slice(0, 4).join(' ')} ended with ${how}. Its last lines:\n  ${tail.join('\n  ')}\nThe whole log: ${options.log}`,
    );
  } finally {
    options.signal?.removeEventListener('abort', abort);
    running.delete(child);
  }
}

/** Ends every program that still runs; resolves when all have gone. */
export async function endChildren(): Promise<void> {
  const all = [...running];
  for (const child of all) signalGroup(child, 'SIGTERM');
  const late = setTimeout(() => {
    for (const child of running) signalGroup(child, 'SIGKILL');
  }, KILL_AFTER_MS);
  await Promise.all(
    all.map((child) =>
      child.exitCode !== null || child.signalCode !== null
        ? undefined
        : new Promise((resolve) => child.once('close', resolve)),
    ),
  );
  clearTimeout(late);
}
