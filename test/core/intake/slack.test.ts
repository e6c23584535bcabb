import { describe, expect, test } from '@jest/globals';
import { verifySlack } from '../../../core/intake/signatures/slack.ts';

/** The example of https://docs.slack.dev/authentication/verifying-requests-from-slack, to the digit. */
const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const TIME = '1531420618';
const BODY =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
const SIGNATURE = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';
const NOW = Number(TIME) * 1000;

const verdict = (
  over: Readonly<Record<string, string | undefined>> = {},
  body = BODY,
  secrets = [SECRET],
  now = NOW,
) => {
  const headers = { 'x-slack-signature': SIGNATURE, 'x-slack-request-timestamp': TIME, ...over };
  const found = verifySlack(headers, Buffer.from(body), secrets, now);
  return found.ok ? 'ok' : found.kind;
};

describe("Slack's signature", () => {
  test('of its own example is right', () => {
    expect(verdict()).toBe('ok');
    expect(verdict({}, BODY, ['another', SECRET])).toBe('ok');
  });

  test.each([
    ['another body', 'mismatch', {}, `${BODY}&x=1`],
    ['a body that was decoded', 'mismatch', {}, decodeURIComponent(BODY)],
    ['another time than was signed', 'mismatch', { 'x-slack-request-timestamp': '1531420619' }, BODY],
    ['no signature', 'missing', { 'x-slack-signature': undefined }, BODY],
    ['no time', 'missing', { 'x-slack-request-timestamp': undefined }, BODY],
    ['another version', 'malformed', { 'x-slack-signature': SIGNATURE.replace('v0', 'v1') }, BODY],
    ['a signature that is cut off', 'mismatch', { 'x-slack-signature': SIGNATURE.slice(0, -2) }, BODY],
    ['no hex', 'malformed', { 'x-slack-signature': 'v0=zz' }, BODY],
    ['a time that is no number', 'malformed', { 'x-slack-request-timestamp': '1531420618.5' }, BODY],
  ])('%s: %s', (_name, kind, over, body) => expect(verdict(over, body)).toBe(kind));

  test.each([
    [300_000, 'ok'],
    [300_001, 'stale'],
    [-300_001, 'stale'],
  ])('%i ms from our clock: %s', (apart, kind) => expect(verdict({}, BODY, [SECRET], NOW + apart)).toBe(kind));

  test('without a secret nothing is let in', () => expect(verdict({}, BODY, [])).toBe('mismatch'));
});
