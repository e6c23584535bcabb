import { refused, VERIFIED, type Verdict } from './verdict.ts';

/** How far a signature's time may be from our clock, before and after (s): what Stripe's own libraries default to. */
export const TOLERANCE_S = 300;

/** Whole seconds of the Unix clock, and no text that a parser would make into some number. */
export function secondsIn(text: string): number | null {
  return /^\d{1,12}$/.test(text) ? Number(text) : null;
}

/** A signed time that is long ago is a replay; one that is far ahead would make replays last. @param now_ms ms UTC */
export function checkClock(name: string, seconds: number, now_ms: number, tolerance_s: number): Verdict {
  const apart_ms = Math.abs(now_ms - seconds * 1000);
  if (apart_ms <= tolerance_s * 1000) return VERIFIED;
  return refused(
    'stale',
    `${name}: found a time ${Math.round(apart_ms / 1000)} s from our clock; allowed: ${tolerance_s} s; check the sender's clock and send it again with a new signature.`,
  );
}
