/** Signatures of the providers: what they make, and what nobody may get in with. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import Stripe from 'stripe';
import { keyInAuthorization, verifyKey } from '../../../core/intake/signatures/key.ts';
import { verifySegment } from '../../../core/intake/signatures/segment.ts';
import { verifyStripe } from '../../../core/intake/signatures/stripe.ts';
import { verifyTimedHmac } from '../../../core/intake/signatures/timed-hmac.ts';
import type { Verdict } from '../../../core/intake/signatures/verdict.ts';
import { crcAnswer, verifyX } from '../../../core/intake/signatures/x.ts';

const NOW = 1_795_000_000_000;
const S = NOW / 1000;
const SECRET = 'whsec_current';
const FORMER = 'whsec_former';
const BODY = Buffer.from('{"id":"evt_1","object":"event","name":"Zoë"}');

const mac = (hash: string, secret: string, ...parts: (string | Uint8Array)[]) => {
  const made = createHmac(hash, secret);
  for (const part of parts) made.update(part);
  return made.digest();
};
const kindOf = (verdict: Verdict) => (verdict.ok ? 'ok' : verdict.kind);

describe('Stripe', () => {
  const official = (timestamp: number, secret = SECRET, payload = BODY.toString('utf8')) =>
    Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  const hex = (t: string, secret = SECRET) => mac('sha256', secret, `${t}.`, BODY).toString('hex');
  const verify = (header: string | undefined, secrets = [SECRET, FORMER], body: Uint8Array = BODY) =>
    kindOf(verifyStripe(header, body, secrets, NOW));

  test('the vector: HMAC-SHA256 of nothing by test_secret', () => {
    expect(mac('sha256', 'test_secret', '').toString('hex')).toMatch(/^f7f9bd47.*8927fd$/);
  });

  test('what the official library signs is taken, by each secret of a rotation', () => {
    expect(verify(official(S))).toBe('ok');
    expect(verify(official(S, FORMER))).toBe('ok');
    expect(verify(official(S, FORMER), [SECRET])).toBe('mismatch');
    // Both at once, as Stripe sends for a day.
    expect(verify(`${official(S, 'whsec_other')},v1=${hex(`${S}`)}`)).toBe('ok');
  });

  test('whatever text is signed by the library, is taken', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 1 }), (payload, secret) => {
        expect(verify(official(S, secret, payload), [secret], Buffer.from(payload))).toBe('ok');
      }),
    );
  });

  const [good, zero] = [hex(`${S}`), '0'.repeat(64)];
  test.each<[string, string | undefined, string]>([
    ['no header', undefined, 'missing'],
    ['an empty header', '', 'malformed'],
    ['no time', `v1=${good}`, 'malformed'],
    ['two times', `t=${S},t=${S},v1=${good}`, 'malformed'],
    ['a time that is no number, signed as NaN', `t=abc,v1=${hex('NaN')}`, 'malformed'],
    ['a time that is no number, signed as it is', `t=abc,v1=${hex('abc')}`, 'malformed'],
    ['a time with a fraction', `t=${S}.5,v1=${hex(`${S}.5`)}`, 'malformed'],
    ['a negative time', `t=-${S},v1=${hex(`-${S}`)}`, 'malformed'],
    ['a time in ms', `t=${NOW},v1=${hex(`${NOW}`)}`, 'malformed'],
    ['a time with an exponent', `t=1e9,v1=${hex('1e9')}`, 'malformed'],
    ['a time with blanks', `t= ${S},v1=${hex(` ${S}`)}`, 'malformed'],
    ['no signature', `t=${S}`, 'malformed'],
    ['only the old scheme', `t=${S},v0=${good}`, 'malformed'],
    ['a blank after the comma', `t=${S}, v1=${good}`, 'malformed'],
    ['a signature that is not hex', `t=${S},v1=${'z'.repeat(64)}`, 'malformed'],
    ['too many signatures', `t=${S}${`,v1=${zero}`.repeat(17)}`, 'malformed'],
    ['a signature of another body', `t=${S},v1=${mac('sha256', SECRET, `${S}.`, 'x').toString('hex')}`, 'mismatch'],
    ['a signature without the time', `t=${S},v1=${mac('sha256', SECRET, BODY).toString('hex')}`, 'mismatch'],
    ['a signature of another time', `t=${S - 1},v1=${good}`, 'mismatch'],
    ['a part of the signature', `t=${S},v1=${good.slice(0, 32)}`, 'mismatch'],
    ['the signature and more', `t=${S},v1=${good}00`, 'mismatch'],
    ['an hour in the future', `t=${S + 3600},v1=${hex(`${S + 3600}`)}`, 'stale'],
    ['301 s in the past', `t=${S - 301},v1=${hex(`${S - 301}`)}`, 'stale'],
    ['301 s in the future', `t=${S + 301},v1=${hex(`${S + 301}`)}`, 'stale'],
    ['300 s in the past', `t=${S - 300},v1=${hex(`${S - 300}`)}`, 'ok'],
    ['300 s in the future', `t=${S + 300},v1=${hex(`${S + 300}`)}`, 'ok'],
    ['a wrong signature beside the right one', `t=${S},v1=${zero},v1=${good}`, 'ok'],
    ['unknown parts', `t=${S},v2=what,v1=${good},v0=${zero}`, 'ok'],
    ['hex in capitals', `t=${S},v1=${good.toUpperCase()}`, 'ok'],
  ])('%s', (_, header, kind) => {
    expect(verify(header)).toBe(kind);
  });

  test('without a secret nothing gets in', () => {
    expect(verify(official(S), [])).toBe('mismatch');
  });

  test('a byte of the body that is another, is refused', () => {
    for (let i = 0; i < BODY.length; i++) {
      const other = Buffer.from(BODY);
      other[i]! ^= 1;
      expect(verify(official(S), [SECRET], other)).toBe('mismatch');
    }
  });
});

describe('X', () => {
  const header = (secret = SECRET) => `sha256=${mac('sha256', secret, BODY).toString('base64')}`;
  const verify = (given: string | undefined, secrets = [SECRET, FORMER]) => kindOf(verifyX(given, BODY, secrets));

  test.each<[string, string | undefined, string]>([
    ['of the current secret', header(), 'ok'],
    ['of the former secret', header(FORMER), 'ok'],
    ['none', undefined, 'missing'],
    ['empty', '', 'malformed'],
    ['without its scheme', header().slice(7), 'malformed'],
    ['of another scheme', header().replace('sha256', 'sha1'), 'malformed'],
    ['in hex', `sha256=${mac('sha256', SECRET, BODY).toString('hex')}`, 'mismatch'],
    ['without padding', header().replace(/=$/, ''), 'malformed'],
    ['base64 for URLs', `sha256=${'-'.repeat(43)}=`, 'malformed'],
    ['of another secret', header('other'), 'mismatch'],
    ['too short', 'sha256=AAAA', 'mismatch'],
  ])('a signature %s', (_, given, kind) => {
    expect(verify(given)).toBe(kind);
  });

  test('the answer to a challenge', () => {
    expect(crcAnswer('token', SECRET)).toEqual({
      response_token: `sha256=${mac('sha256', SECRET, 'token').toString('base64')}`,
    });
    for (const token of [undefined, '', 'x'.repeat(1025)]) expect(crcAnswer(token, SECRET)).toBeNull();
  });
});

describe("Segment's webhook destination", () => {
  const hex = (secret = SECRET, hash = 'sha1') => mac(hash, secret, BODY).toString('hex');

  test.each<[string, string | undefined, string]>([
    ['of the current secret', hex(), 'ok'],
    ['of the former secret', hex(FORMER), 'ok'],
    ['none', undefined, 'missing'],
    ['empty', '', 'malformed'],
    ['not hex', 'xyz', 'malformed'],
    ['with an odd digit', `${hex()}0`, 'malformed'],
    ['of another hash', hex(SECRET, 'sha256'), 'mismatch'],
    ['of another secret', hex('other'), 'mismatch'],
  ])('a signature %s', (_, given, kind) => {
    expect(kindOf(verifySegment(given, BODY, [SECRET, FORMER]))).toBe(kind);
  });
});

describe('HMAC over time and body', () => {
  const options = { signature_header: 'x-sign', timestamp_header: 'x-time', tolerance_s: 60 };
  const sign = (t: string, secret = SECRET) => mac('sha256', secret, `${t}.`, BODY);
  const hex = (t: string, secret = SECRET) => sign(t, secret).toString('hex');

  test.each<[string, string | undefined, string | undefined, string]>([
    ['hex', hex(`${S}`), `${S}`, 'ok'],
    ['base64', sign(`${S}`).toString('base64'), `${S}`, 'ok'],
    ['hex behind sha256=', `sha256=${hex(`${S}`)}`, `${S}`, 'ok'],
    ['base64 behind v1=', `v1=${sign(`${S}`).toString('base64')}`, `${S}`, 'ok'],
    ['of the former secret', hex(`${S}`, FORMER), `${S}`, 'ok'],
    ['no signature', undefined, `${S}`, 'missing'],
    ['no time', hex(`${S}`), undefined, 'missing'],
    ['an empty signature', '', `${S}`, 'malformed'],
    ['an odd signature', '%%', `${S}`, 'malformed'],
    ['an empty time', hex(''), '', 'malformed'],
    ['a time in ISO', hex('2026-11-27T00:00:00Z'), '2026-11-27T00:00:00Z', 'malformed'],
    ['a time in ms', hex(`${NOW}`), `${NOW}`, 'malformed'],
    ['the time of another request', hex(`${S}`), `${S - 1}`, 'mismatch'],
    ['the body alone', mac('sha256', SECRET, BODY).toString('hex'), `${S}`, 'mismatch'],
    ['another secret', hex(`${S}`, 'other'), `${S}`, 'mismatch'],
    ['a replay', hex(`${S - 61}`), `${S - 61}`, 'stale'],
    ['a clock that is ahead', hex(`${S + 61}`), `${S + 61}`, 'stale'],
    ['the last second of the window', hex(`${S - 60}`), `${S - 60}`, 'ok'],
  ])('%s', (_, signature, time, kind) => {
    const headers = { 'x-sign': signature, 'x-time': time };
    expect(kindOf(verifyTimedHmac(headers, BODY, [SECRET, FORMER], NOW, options))).toBe(kind);
  });
});

describe('keys that come as they are', () => {
  test.each<[string, string | undefined, string]>([
    ['the current', SECRET, 'ok'],
    ['the former', FORMER, 'ok'],
    ['none', undefined, 'missing'],
    ['empty', '', 'missing'],
    ['a part', SECRET.slice(0, -1), 'mismatch'],
    ['in capitals', SECRET.toUpperCase(), 'mismatch'],
    ['with a blank', `${SECRET} `, 'mismatch'],
  ])('%s', (_, given, kind) => {
    expect(kindOf(verifyKey(given, [SECRET, FORMER], 'key'))).toBe(kind);
  });

  test.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    [`Basic ${Buffer.from('abc:').toString('base64')}`, 'abc'],
    [`Basic ${Buffer.from('abc').toString('base64')}`, 'abc'],
    ['Digest abc', undefined],
    ['abc', undefined],
    [undefined, undefined],
  ])('Authorization: %s', (header, key) => {
    expect(keyInAuthorization(header)).toBe(key);
  });
});

test('no refusal tells what was sent, nor a secret', () => {
  const said = [
    verifyStripe(`t=${S},v1=${'ab'.repeat(32)}`, BODY, [SECRET], NOW),
    verifyX('sha256=odd-value', BODY, [SECRET]),
    verifySegment('odd-value', BODY, [SECRET]),
    verifyKey('odd-value', [SECRET], 'key'),
  ].map((verdict) => (verdict.ok ? '' : verdict.detail));
  for (const detail of said) {
    expect(detail).toMatch(/found .*; /);
    expect(detail).not.toMatch(/odd-value|abab|whsec_current|evt_1/);
  }
});
