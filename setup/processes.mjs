// Child processes that end when we end.

import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { constants } from 'node:os';

const KILL_AFTER_MS = 10_000;
const running = new Set();

/** @param {{code: number | null, signal: NodeJS.Signals | null}} end */
export function exitCodeOf({ code, signal }) {
  return code ?? 128 + (signal ? constants.signals[signal] : 1);
}

/**
 * Runs a program in the foreground with our terminal. Ctrl-C reaches it from the terminal itself, so it can stop
 * cleanly; we only wait for it. SIGTERM is passed on.
 */
export function runAttached(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: 'inherit' });
    const wait = () => {};
    const pass = () => child.kill('SIGTERM');
    process.on('SIGINT', wait);
    process.on('SIGTERM', pass);
    process.on('SIGHUP', pass);
    const done = () => {
      process.off('SIGINT', wait);
      process.off('SIGTERM', pass);
      process.off('SIGHUP', pass);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      done();
      resolve({ code, signal });
    });
  });
}

/**
 * Runs a program in its own process group with its output in a file (and given to `onLine`), so that an interrupt or
 * the `signal` can end the whole group.
 * @param {{cwd: string, env: NodeJS.ProcessEnv, log: string, onLine?: (line: string) => void, signal?: AbortSignal}} options
 * @returns {Promise<{code: number | null, signal: NodeJS.Signals | null}>}
 */
export function runLogged(command, args, { cwd, env, log, onLine, signal: stop }) {
  return new Promise((resolve, reject) => {
    const file = createWriteStream(log);
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    running.add(child);
    const end = () => endGroup(child);
    if (stop?.aborted) end();
    else stop?.addEventListener('abort', end, { once: true });
    let rest = '';
    const take = (chunk) => {
      file.write(chunk);
      if (!onLine) return;
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => {
      stop?.removeEventListener('abort', end);
      running.delete(child);
      file.end();
      reject(error);
    });
    child.once('close', (code, signal) => {
      stop?.removeEventListener('abort', end);
      running.delete(child);
      file.end(() => resolve({ code, signal }));
    });
  });
}

/** Asks a group to end and makes it end; what left the group and holds its pipes is not waited for. */
function endGroup(child) {
  killGroup(child, 'SIGTERM');
  const overdue = setTimeout(() => killGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  child.once('exit', () => {
    clearTimeout(overdue);
    killGroup(child, 'SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
  });
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * Ends everything `runLogged` started, and then us with the signal's code, when we are interrupted.
 * @returns {() => void} takes the handlers away again
 */
export function stopChildrenOnSignals() {
  const handlers = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const handler = () => {
      const code = 128 + constants.signals[signal];
      if (running.size === 0) process.exit(code);
      for (const child of running) {
        killGroup(child, 'SIGTERM');
        child.once('close', () => running.size === 0 && process.exit(code));
      }
      setTimeout(() => {
        for (const child of running) killGroup(child, 'SIGKILL');
        process.exit(code);
      }, KILL_AFTER_MS).unref();
    };
    handlers.set(signal, handler);
    process.on(signal, handler);
  }
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
