import { sameText } from './compare.ts';
import { refused, VERIFIED, type Verdict } from './verdict.ts';

/**
 * A key that comes as it is: of browsers and devices, which can keep no secret (it lets in, and reads nothing), or in the path
 * of a sender that can't sign. Compared with every key of the source, in constant time.
 */
export function verifyKey(given: string | undefined, keys: readonly string[], where: string): Verdict {
  if (given === undefined || given === '')
    return refused('missing', `${where}: found none; allowed: a key of this source.`);
  let found = false;
  for (const key of keys) if (sameText(given, key)) found = true;
  if (found) return VERIFIED;
  return refused('mismatch', `${where}: found a key that is not of this source; tidemark source secret puts them.`);
}

/**
 * The key in an `Authorization` header: `Bearer <key>`, as OpenTelemetry's exporters are told to send, or `Basic` with the key
 * as the user's name and no password, as Segment's HTTP API has it.
 */
export function keyInAuthorization(header: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(bearer|basic) +(\S+)$/i.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme === '') return undefined;
  const [user] = Buffer.from(credentials, 'base64').toString('utf8').split(':');
  return user;
}
