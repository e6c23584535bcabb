import { setTimeout as sleep } from 'node:timers/promises';

/** Tries that are worth making before a batch is given back to Lambda, which waits longer. */
export const MAX_TRIES = 8;
const BASE_MS = 10;
const CAP_MS = 1000;

/** Exponential backoff with full jitter (Brooker, AWS Architecture Blog, 2015). @param attempt from 0 */
export async function pause(attempt: number): Promise<void> {
  await sleep(Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt));
}
