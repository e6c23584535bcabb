import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export type HmacHash = 'sha1' | 'sha256';

/** HMAC over several parts as if they were one. @param key UTF-8, as providers write their secrets */
export function hmac(hash: HmacHash, key: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const mac = createHmac(hash, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** Whether two texts are equal, in a time that says nothing of either, their lengths included. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

/**
 * Whether one of the signatures is one of the MACs. Each is compared with each, so that the time doesn't say which key or
 * which place matched. A signature of another length than a MAC is none.
 */
export function anyMatches(macs: readonly Buffer[], signatures: readonly Buffer[]): boolean {
  let found = false;
  for (const mac of macs)
    for (const signature of signatures)
      if (signature.length === mac.length && timingSafeEqual(mac, signature)) found = true;
  return found;
}

/** Strict hex: Node's own decoder stops at the first odd character and says nothing. @returns null for anything else */
export function fromHex(text: string): Buffer | null {
  return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text, 'hex') : null;
}

/** Strict base64 with its padding. @returns null for anything else */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
