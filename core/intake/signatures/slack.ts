import { checkClock, secondsIn, TOLERANCE_S } from './clock.ts';
import { anyMatches, fromHex, hmac } from './compare.ts';
import { refused, type Verdict } from './verdict.ts';

const SIGNATURE = 'x-slack-signature';
const TIMESTAMP = 'x-slack-request-timestamp';

/**
 * Slack's requests: `X-Slack-Signature: v0=<hex>` is the HMAC-SHA256 over `v0:<timestamp>:<body>` by the app's signing secret,
 * and a time of more than five minutes ago is a replay (https://docs.slack.dev/authentication/verifying-requests-from-slack).
 *
 * @param headers by names in lower case
 * @param body the bytes as they came, not decoded
 * @param secrets all that are valid at present
 * @param now_ms ms UTC
 */
export function verifySlack(
  headers: Readonly<Record<string, string | undefined>>,
  body: Uint8Array,
  secrets: readonly string[],
  now_ms: number,
): Verdict {
  const [given, time] = [headers[SIGNATURE], headers[TIMESTAMP]];
  if (given === undefined) return refused('missing', `${SIGNATURE}: found none; allowed: v0=<hex>.`);
  if (time === undefined) return refused('missing', `${TIMESTAMP}: found none; allowed: seconds of the Unix clock.`);
  const seconds = secondsIn(time);
  if (seconds === null)
    return refused('malformed', `${TIMESTAMP}: found another form; allowed: 1 to 12 digits, in seconds.`);
  const signature = given.startsWith('v0=') ? fromHex(given.slice('v0='.length)) : null;
  if (signature === null) return refused('malformed', `${SIGNATURE}: found another form; allowed: v0=<hex>.`);
  const macs = secrets.map((secret) => hmac('sha256', secret, `v0:${time}:`, body));
  if (!anyMatches(macs, [signature]))
    return refused('mismatch', `${SIGNATURE}: found no signature by the signing secret of the app.`);
  return checkClock(TIMESTAMP, seconds, now_ms, TOLERANCE_S);
}
