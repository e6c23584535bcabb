import { checkClock, secondsIn } from './clock.ts';
import { anyMatches, fromBase64, fromHex, hmac } from './compare.ts';
import { refused, VERIFIED, type Verdict } from './verdict.ts';

/** Where a signed request has its parts. Header names in lower case. */
export interface TimedHmac {
  readonly signature_header: string;
  readonly timestamp_header: string;
  /** How far the time may be from our clock, before and after (s). */
  readonly tolerance_s: number;
}

/**
 * HMAC-SHA256 over `timestamp.body`, in hex or base64, with or without `sha256=` or `v1=` before it; the time is whole seconds
 * of the Unix clock.
 *
 * @param headers by names in lower case
 * @param now_ms ms UTC
 */
export function verifyTimedHmac(
  headers: Readonly<Record<string, string | undefined>>,
  body: Uint8Array,
  secrets: readonly string[],
  now_ms: number,
  options: TimedHmac,
): Verdict {
  const { signature_header, timestamp_header, tolerance_s } = options;
  const [given, time] = [headers[signature_header], headers[timestamp_header]];
  if (given === undefined)
    return refused('missing', `${signature_header}: found none; allowed: the HMAC-SHA256 in hex or base64.`);
  if (time === undefined)
    return refused('missing', `${timestamp_header}: found none; allowed: seconds of the Unix clock.`);
  const seconds = secondsIn(time);
  if (seconds === null)
    return refused('malformed', `${timestamp_header}: found another form; allowed: 1 to 12 digits, in seconds.`);
  const text = given.replace(/^(?:sha256|v1)=/, '');
  const signature = fromHex(text) ?? fromBase64(text);
  if (signature === null)
    return refused('malformed', `${signature_header}: found another form; allowed: the HMAC-SHA256 in hex or base64.`);
  const macs = secrets.map((secret) => hmac('sha256', secret, `${time}.`, body));
  if (!anyMatches(macs, [signature]))
    return refused(
      'mismatch',
      `${signature_header}: found no signature of "${timestamp_header}.body" by a secret of this source; sign the bytes that are sent.`,
    );
  const clock = checkClock(timestamp_header, seconds, now_ms, tolerance_s);
  return clock.ok ? VERIFIED : clock;
}
