import { MAX_TRIES, pause } from './backoff.ts';

/**
 * Asks again for what a request leaves open. @param wait before a try is repeated
 * @throws Error when something stays open after some tries
 */
export async function untilProcessed<K, T>(
  keys: readonly K[],
  ask: (open: K[]) => Promise<{ readonly found: readonly T[]; readonly open: readonly K[] }>,
  wait: (attempt: number) => Promise<void> = pause,
): Promise<T[]> {
  const all: T[] = [];
  let rest = [...keys];
  for (let attempt = 0; rest.length > 0; attempt++) {
    if (attempt === MAX_TRIES) throw new Error(`${rest.length} keys stayed unprocessed; the batch is retried`);
    if (attempt > 0) await wait(attempt);
    const { found, open } = await ask(rest);
    all.push(...found);
    rest = [...open];
  }
  return all;
}
