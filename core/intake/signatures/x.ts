import { anyMatches, fromBase64, hmac } from './compare.ts';
import { refused, VERIFIED, type Verdict } from './verdict.ts';

const HEADER = 'x-twitter-webhooks-signature';
const PREFIX = 'sha256=';
/** A token of X has some 30 characters. */
const LONGEST_TOKEN = 1024;

/**
 * What X wants to read before it registers a webhook, and hourly after that: that we know the consumer secret
 * (https://docs.x.com/x-api/webhooks/introduction).
 * @param secret the newest
 * @returns null for a token that X would not send
 */
export function crcAnswer(token: string | undefined, secret: string): { readonly response_token: string } | null {
  if (token === undefined || token === '' || token.length > LONGEST_TOKEN) return null;
  return { response_token: `${PREFIX}${hmac('sha256', secret, token).toString('base64')}` };
}

/**
 * `x-twitter-webhooks-signature: sha256=<base64>`, HMAC-SHA256 over the body by the consumer secret. X signs no time, so a
 * replay is told by its `event_uuid` alone: as an event id that was counted before.
 */
export function verifyX(header: string | undefined, body: Uint8Array, secrets: readonly string[]): Verdict {
  if (header === undefined) return refused('missing', `${HEADER}: found none; allowed: sha256=<base64>.`);
  const signature = header.startsWith(PREFIX) ? fromBase64(header.slice(PREFIX.length)) : null;
  if (signature === null) return refused('malformed', `${HEADER}: found another form; allowed: sha256=<base64>.`);
  const macs = secrets.map((secret) => hmac('sha256', secret, body));
  if (anyMatches(macs, [signature])) return VERIFIED;
  return refused(
    'mismatch',
    `${HEADER}: found no signature of these bytes by a secret of this source; put the app's consumer secret with tidemark source secret.`,
  );
}
