import { checkClock, secondsIn, TOLERANCE_S } from './clock.ts';
import { anyMatches, fromHex, hmac } from './compare.ts';
import { refused, VERIFIED, type Verdict } from './verdict.ts';

const HEADER = 'stripe-signature';
/** During a rotation Stripe signs with each valid secret; more than this is nobody's rotation. */
const MOST_SIGNATURES = 16;

/**
 * `Stripe-Signature: t=<s>,v1=<hex>[,v1=<hex>…]`: HMAC-SHA256 over `t.body`, the key is the whole `whsec_…` text; any `v1` of
 * any secret is enough, other schemes are ignored (https://docs.stripe.com/webhooks#verify-manually).
 *
 * Stricter than Stripe's own library (`stripe` 23.1.0, `cjs/Webhooks.js`), which takes a `t` that is no number, and one in the
 * future.
 *
 * @param body the bytes as they came
 * @param secrets all that are valid at present, the newest first
 * @param now_ms ms UTC
 */
export function verifyStripe(
  header: string | undefined,
  body: Uint8Array,
  secrets: readonly string[],
  now_ms: number,
): Verdict {
  if (header === undefined) return refused('missing', `${HEADER}: found none; allowed: t=<seconds>,v1=<hex>.`);
  const parts = header.split(',').map((part) => part.split('='));
  const times = parts.filter(([scheme]) => scheme === 't');
  const [time] = times;
  const seconds = times.length === 1 && time?.length === 2 ? secondsIn(time[1]!) : null;
  if (seconds === null)
    return refused('malformed', `${HEADER} t: found none or another form; allowed: one, of 1 to 12 digits.`);
  const signatures = parts.flatMap((part) => (part.length === 2 && part[0] === 'v1' ? (fromHex(part[1]!) ?? []) : []));
  if (signatures.length === 0 || signatures.length > MOST_SIGNATURES)
    return refused(
      'malformed',
      `${HEADER} v1: found ${signatures.length} in hex; allowed: 1 to ${MOST_SIGNATURES}; other schemes are not read.`,
    );
  const macs = secrets.map((secret) => hmac('sha256', secret, `${time![1]}.`, body));
  if (!anyMatches(macs, signatures))
    return refused(
      'mismatch',
      `${HEADER} v1: found no signature of these bytes by a secret of this source; put the endpoint's signing secret with tidemark source secret.`,
    );
  const clock = checkClock(`${HEADER} t`, seconds, now_ms, TOLERANCE_S);
  return clock.ok ? VERIFIED : clock;
}
