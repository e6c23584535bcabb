import { anyMatches, fromHex, hmac } from './compare.ts';
import { refused, VERIFIED, type Verdict } from './verdict.ts';

const HEADER = 'x-signature';

/**
 * `X-Signature: <hex>`, HMAC-SHA1 over the body, as Segment's webhook destination signs with its shared secret
 * (https://www.twilio.com/docs/segment/connections/destinations/catalog/webhooks). No time is signed: a replay is told by
 * its `messageId`.
 */
export function verifySegment(header: string | undefined, body: Uint8Array, secrets: readonly string[]): Verdict {
  if (header === undefined) return refused('missing', `${HEADER}: found none; allowed: the HMAC-SHA1 in hex.`);
  const signature = fromHex(header);
  if (signature === null) return refused('malformed', `${HEADER}: found another form; allowed: the HMAC-SHA1 in hex.`);
  const macs = secrets.map((secret) => hmac('sha1', secret, body));
  if (anyMatches(macs, [signature])) return VERIFIED;
  return refused(
    'mismatch',
    `${HEADER}: found no signature of these bytes by a secret of this source; put the destination's shared secret with tidemark source secret.`,
  );
}
