import { setTimeout as sleep } from 'node:timers/promises';
import { MlflowError } from './transport.ts';

const WAITS_MS = [500, 2000];

/**
 * Tries again what may work a moment later, as a whole: what was made before is found and not made twice.
 * @param deadline after which nothing is tried. @param waits before each further try (ms)
 */
export async function persistently(
  deadline: AbortSignal,
  work: () => Promise<void>,
  waits: readonly number[] = WAITS_MS,
): Promise<void> {
  for (const wait of waits) {
    try {
      return await work();
    } catch (error) {
      if (deadline.aborted || !mayWork(error)) throw error;
    }
    await sleep(wait, undefined, { signal: deadline });
  }
  return work();
}

/** Whoever was faster made it: the next look finds it. */
const mayWork = (error: unknown) =>
  error instanceof MlflowError && (error.transient || error.code === 'RESOURCE_ALREADY_EXISTS');
