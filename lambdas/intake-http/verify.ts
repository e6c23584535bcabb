/** Who sent a request, by the scheme of its source. */
import { bodyOf } from '../../core/intake/body.ts';
import { keyInAuthorization, verifyKey } from '../../core/intake/signatures/key.ts';
import { verifySegment } from '../../core/intake/signatures/segment.ts';
import { verifyStripe } from '../../core/intake/signatures/stripe.ts';
import { verifyTimedHmac } from '../../core/intake/signatures/timed-hmac.ts';
import type { Verdict } from '../../core/intake/signatures/verdict.ts';
import { verifyX } from '../../core/intake/signatures/x.ts';
import type { CarriageOptions } from '../../core/ir/source-options.ts';
import type { IntakeRequest } from './request.ts';

export type Verify = CarriageOptions<'http'>['verify'];

/**
 * @param body without its packing, asked for only where a key may stand in it; signatures are over the bytes as they came
 * @param now_ms ms UTC
 */
export function verified(
  verify: Verify,
  request: IntakeRequest,
  body: () => Uint8Array,
  keys: readonly string[],
  now_ms: number,
): Verdict {
  const { headers, bytes } = request;
  switch (verify.scheme) {
    case 'stripe':
      return verifyStripe(headers['stripe-signature'], bytes, keys, now_ms);
    case 'x':
      return verifyX(headers['x-twitter-webhooks-signature'], bytes, keys);
    case 'segment':
      return verifySegment(headers['x-signature'], bytes, keys);
    case 'path':
      return verifyKey(request.key, keys, 'the last part of the address');
    case 'key':
      return verifyKey(
        keyInAuthorization(headers.authorization) ?? request.query.key ?? keyInBody(body()),
        keys,
        'authorization, ?key= or writeKey of the body',
      );
    case 'hmac':
      return verifyTimedHmac(headers, bytes, keys, now_ms, {
        signature_header: verify.signature.toLowerCase(),
        timestamp_header: verify.timestamp.toLowerCase(),
        tolerance_s: verify.toleranceSeconds,
      });
  }
}

/** As Segment's script for browsers sends it. */
function keyInBody(body: Uint8Array): string | undefined {
  try {
    const { writeKey } = (bodyOf(body) ?? {}) as { writeKey?: unknown };
    return typeof writeKey === 'string' ? writeKey : undefined;
  } catch {
    // What is no JSON has no key.
    return undefined;
  }
}
