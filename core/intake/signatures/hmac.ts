/** Who sent a request: HMAC-SHA256 over its time and its body, compared in constant time. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds since 1970, and nothing else: no sign, no fraction, no blank. */
const SECONDS = /^\d{1,12}$/;

export interface SignedRequest {
  readonly body: Uint8Array;
  /** As they came; undefined where a header is missing. */
  readonly signature: string | undefined;
  readonly timestamp: string | undefined;
}

/** @returns null where a key signed it within the tolerance of `now_ms` (ms UTC), else one sentence that says why not */
export function verifyHmac(
  { body, signature, timestamp }: SignedRequest,
  keys: readonly string[],
  now_ms: number,
  toleranceSeconds: number,
): string | null {
  if (signature === undefined || timestamp === undefined) return 'The signature or its timestamp is missing.';
  if (!SECONDS.test(timestamp)) return 'The timestamp is not in seconds since 1970.';
  if (Math.abs(now_ms / 1000 - Number(timestamp)) > toleranceSeconds)
    return `The timestamp is more than ${toleranceSeconds} s from now.`;
  const valid = keys.some((key) => isSame(hmacHex(key, timestamp, body), signature));
  return valid ? null : 'The signature is not of these bytes by a key of this source.';
}

const hmacHex = (key: string, timestamp: string, body: Uint8Array): string =>
  createHmac('sha256', key).update(`${timestamp}.`).update(body).digest('hex');

/** In constant time for texts of one length; whether the lengths differ is no secret. */
export function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
