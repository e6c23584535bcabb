/** The door of outcomes without its services: what is Slack's, what is ours, what is kept. */
import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { signedPress } from '../../cli/commands/webhook/press.ts';
import { slackMessage } from '../../engine/alerting/message.ts';
import { lastWords, OUTCOMES, type Outcome } from '../../engine/alerting/outcome.ts';
import { answer, type OutcomeDoor } from '../../lambdas/outcomes/door.ts';
import { tellSlack } from '../../lambdas/outcomes/tell.ts';

const AT = Date.UTC(2026, 10, 3, 9);
const SECRET = 'a-signing-secret';
const alert = {
  ...{ entity_id: 'hh <1> & "2"', kind: 'alert#5', alert_id: 'id1', title: 'T', link: 'https://example.org' },
  ...{ score: 0.9, t: 5, trigger: 'sweep', reasons: [] },
};
const message = slackMessage(alert, true) as { text: string; blocks: unknown[] };
const pressed = (over: Partial<Parameters<typeof signedPress>[1]> = {}) =>
  signedPress(message, { outcome: 'saved', user: 'U1', secret: SECRET, at: AT, ...over });
const request = ({ headers, body }: { headers: Record<string, string>; body: string }, base64 = false) =>
  ({
    headers,
    body: base64 ? Buffer.from(body).toString('base64') : body,
    isBase64Encoded: base64,
  }) as unknown as APIGatewayProxyEventV2;

let kept: Outcome[];
let told: string[][];
let door: OutcomeDoor;
beforeEach(() => {
  [kept, told] = [[], []];
  door = {
    keys: { current: async () => [SECRET], newer: async () => null },
    store: {
      keep: async (outcome) => {
        if (outcome.alert_id !== 'id1') return 'gone';
        kept.push(outcome);
        return 'kept';
      },
    },
    tell: async (...said) => void told.push(said),
    now: () => AT + 1000,
  };
});
const status = async (event: APIGatewayProxyEventV2) => (await answer(door, event)).answer.statusCode;

describe('a press', () => {
  test.each(OUTCOMES)('%s becomes an outcome with who said it and when, as text and as base64', async (outcome) => {
    const sent = pressed({ outcome, response_url: 'https://hooks.slack.com/actions/1' });
    expect(await answer(door, request(sent))).toEqual({ answer: { statusCode: 200 }, kept: true });
    expect(await status(request(sent, true))).toBe(200);
    const { entity_id, alert_id, t } = alert;
    expect(kept[0]).toEqual({
      outcome_id: expect.any(String),
      alert_id,
      entity_id,
      t,
      outcome,
      said_by: 'U1',
      said_at: AT,
    });
    // The same press again has the same id.
    expect(kept[1]).toEqual(kept[0]);
    expect(told[0]).toEqual(['https://hooks.slack.com/actions/1', expect.stringContaining(`Noted: ${outcome}.`)]);
  });

  test('by a secret that was renewed a moment ago is let in', async () => {
    door = { ...door, keys: { current: async () => ['old'], newer: async () => [SECRET] } };
    expect(await status(request(pressed()))).toBe(200);
    expect(kept).toHaveLength(1);
  });

  test('of an alert that there is not is answered, and nothing is kept', async () => {
    const other = slackMessage({ ...alert, alert_id: 'id2' }, true) as typeof message;
    const sent = signedPress(other, {
      outcome: 'wrong',
      user: 'U1',
      secret: SECRET,
      at: AT,
      response_url: 'https://h',
    });
    expect(await answer(door, request(sent))).toEqual({ answer: { statusCode: 200 }, kept: false });
    expect([kept, told[0]?.[1]]).toEqual([[], expect.stringContaining('no such alert')]);
  });
});

describe('what is no press of ours', () => {
  const signed = (body: string) => {
    const { headers } = pressed();
    const mac = signedBody(body);
    return request({ headers: { ...headers, 'x-slack-signature': mac }, body });
  };
  test.each([
    ['another secret', () => request(pressed({ secret: 'another' })), 401],
    ['six minutes old', () => request(pressed({ at: AT - 360_000 })), 401],
    ['not signed', () => request({ headers: {}, body: pressed().body }), 401],
    ['a body that was changed', () => request({ ...pressed(), body: `${pressed().body}&x=1` }), 401],
    ['no form', () => signed('{"type":"block_actions"}'), 400],
    ['no payload that is JSON', () => signed('payload=%7B'), 400],
    ['a user id of another form', () => signed(payload({ user: { id: '<script>' } })), 400],
    [
      'a button of ours without a value',
      () => signed(payload({ actions: [{ action_id: 'outcome_saved', action_ts: '1' }] })),
      400,
    ],
    ['a press of another app', () => signed(payload({ actions: [{ action_id: 'open', action_ts: '1.5' }] })), 200],
    ['no press at all', () => signed(payload({ actions: [] })), 200],
    ['half a megabyte', () => request({ ...pressed(), body: 'x'.repeat(600_000) }), 413],
  ])('%s', async (_name, event, code) => {
    const { answer: answered } = await answer(door, event());
    expect(answered.statusCode).toBe(code);
    if (code !== 200) expect(answered.body).toMatch(/^\{"message":"[^"]+\."\}$/);
    expect(kept).toEqual([]);
  });
});

test('a store that fails is thrown, so that the door answers 503', async () => {
  door = { ...door, store: { keep: () => Promise.reject(new Error('down')) } };
  await expect(answer(door, request(pressed()))).rejects.toThrow('down');
});

test.each([
  'https://example.org/x',
  'http://hooks.slack.com/x',
  'https://hooks.slack.com.evil.org/',
  'nothing',
  'http://127.0.0.1:1/',
])('nobody is told at %s', async (address) =>
  expect(tellSlack(address, 'x', false)).rejects.toThrow(/^response_url: found another address/),
);

test('the last word of an alert counts, whatever order they are read in', () => {
  const say = (alert_id: string, said_at: number, outcome_id: string) => ({ alert_id, said_at, outcome_id });
  const all = [say('a', 5, 'x'), say('a', 7, 'y'), say('a', 7, 'z'), say('b', 1, 'w')];
  for (const order of [all, [...all].reverse()])
    expect([...lastWords(order).values()].map((one) => one.outcome_id).sort()).toEqual(['w', 'z']);
});

function payload(over: object): string {
  return new URLSearchParams({
    payload: JSON.stringify({ type: 'block_actions', user: { id: 'U1' }, actions: [], ...over }),
  }).toString();
}

function signedBody(body: string): string {
  const { headers } = pressed();
  return `v0=${createHmac('sha256', SECRET).update(`v0:${headers['x-slack-request-timestamp']}:${body}`).digest('hex')}`;
}
