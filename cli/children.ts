import type { ResultPromise } from 'execa';
import { CliError } from './errors.ts';

const KILL_AFTER_MS = 8_000;
const TAIL_LINES = 20;
const running = new Set<ResultPromise>();

export interface ChildOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets all output. */
  readonly log: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** `groups` of their own: an interrupt of the terminal reaches us alone, and we end them in order. */
function signalGroup({ pid }: ResultPromise, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Runs a program to its end with its output in a log file.
 * @throws CliError with the last lines of the log when it does not end with code 0; the signal's reason when aborted
 */
export async function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<void> {
  const { cwd, env, log, onLine, signal } = options;
  signal?.throwIfAborted();
  // Every command loads this file, and few start a program.
  const { execa } = await import('execa');
  const output = ['pipe', { file: log, append: true }] as const;
  const child = execa(command, args, {
    ...{ cwd, env, extendEnv: false, detached: true, reject: false, buffer: false },
    ...{ stdin: 'ignore', stdout: output, stderr: output, all: true },
  });
  running.add(child);
  const abort = () => signalGroup(child, 'SIGTERM');
  signal?.addEventListener('abort', abort, { once: true });
  const tail: string[] = [];
  try {
    for await (const line of child.iterable({ from: 'all' })) {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine?.(line);
    }
    const ended = await child;
    signal?.throwIfAborted();
    if (!ended.failed) return;
    if (ended.exitCode === undefined && ended.signal === undefined) throw ended;
    const how = ended.signal ?? `code ${ended.exitCode}`;
    throw new CliError(
      `${[command, ...args].slice(0, 4).join(' ')} ended with ${how}. Its last lines:\n  ${tail.join('\n  ')}\nThe whole log: ${log}`,
    );
  } finally {
    signal?.removeEventListener('abort', abort);
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
  await Promise.all(all);
  clearTimeout(late);
}
