import { setTimeout as sleep } from 'node:timers/promises';

/** Tries that are worth making before a batch is given back to Lambda, which waits longer. */
export const MAX_TRIES = 8;
const BASE_MS = 10;
const CAP_MS = 1000;

/** Exponential backoff with full jitter (Brooker, AWS Architecture Blog, 2015). @param attempt from 0 */
export async function pause(attempt: number): Promise<void> {
  await sleep(Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt));
}

/** At most `width` at a time, results in order. The first error ends it. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  width: number,
  run: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await run(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
