import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SlackReceiver } from '../../cli/commands/webhook/receiver.ts';

let slack: SlackReceiver;
beforeEach(async () => {
  slack = await SlackReceiver.start();
});
afterEach(() => slack.close());

const post = async (url: string, body: string, method = 'POST') => {
  const response = await fetch(url, { method, ...(method === 'POST' ? { body } : {}) });
  return [response.status, await response.text()];
};

test('records a message and answers as Slack does', async () => {
  expect(
    await post(slack.url, JSON.stringify({ text: 'Household 1 may leave', blocks: [{ type: 'divider' }] })),
  ).toEqual([200, 'ok']);
  expect(slack.messages.map(({ body }) => body.text)).toEqual(['Household 1 may leave']);
  expect(new URL(slack.url).hostname).toBe('127.0.0.1');
});

test.each([
  ['no JSON', 'text=hello'],
  ['no text', '{"blocks":[]}'],
  ['an empty text', '{"text":""}'],
  ['too much', JSON.stringify({ text: 'x'.repeat(200_000) })],
])('refuses %s', async (_, body) => {
  expect(await post(slack.url, body)).toEqual([400, 'invalid_payload']);
  expect(slack.messages).toEqual([]);
});

test('knows no other path and no other method', async () => {
  expect(await post(slack.url.replace(/.$/, '_'), '{"text":"x"}')).toEqual([404, 'no_service']);
  expect((await post(slack.url, '', 'GET'))[0]).toBe(405);
});
