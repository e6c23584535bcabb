import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { alertOf, announcement, notificationOf, slackMessage, subjectOf } from '../../lambdas/notifier/message.ts';
import { checkWebhook, postToSlack } from '../../lambdas/notifier/slack.ts';

/** A webhook that answers as told, one answer a request; the last one stays. */
class Webhook {
  readonly bodies: unknown[] = [];
  answers: { readonly status: number; readonly headers?: Readonly<Record<string, string>> }[] = [{ status: 200 }];
  private readonly server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => {
      body += part.toString('utf8');
    });
    request.on('end', () => {
      this.bodies.push(JSON.parse(body));
      const answer = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
      response.writeHead(answer.status, answer.headers).end('answer');
    });
  });

  async start(): Promise<URL> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return new URL(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/services/x`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((done) => this.server.close(() => done()));
  }
}

describe('postToSlack', () => {
  let webhook: Webhook;
  let url: URL;
  beforeEach(async () => {
    webhook = new Webhook();
    url = await webhook.start();
  });
  afterEach(() => webhook.stop());

  test('posts once when Slack takes it', async () => {
    await postToSlack(url, { text: 'hello' });
    expect(webhook.bodies).toEqual([{ text: 'hello' }]);
  });

  test('waits as long as a 429 asks, then posts again', async () => {
    webhook.answers = [{ status: 429, headers: { 'retry-after': '1' } }, { status: 200 }];
    const start = Date.now();
    await postToSlack(url, { text: 'hello' });
    expect(Date.now() - start).toBeGreaterThanOrEqual(950);
    expect(webhook.bodies).toHaveLength(2);
  });

  test('leaves a long wait to the queue', async () => {
    webhook.answers = [{ status: 429, headers: { 'retry-after': '600' } }];
    await expect(postToSlack(url, {})).rejects.toMatchObject({ name: 'SlackError', final: false });
    expect(webhook.bodies).toHaveLength(1);
  });

  test('tries 5xx again, a bounded number of times', async () => {
    webhook.answers = [{ status: 503 }];
    await expect(postToSlack(url, {})).rejects.toMatchObject({ final: false });
    expect(webhook.bodies).toHaveLength(3);
  });

  test.each([400, 403, 404, 410])('%d is final', async (status) => {
    webhook.answers = [{ status }];
    await expect(postToSlack(url, {})).rejects.toMatchObject({ name: 'SlackError', final: true });
    expect(webhook.bodies).toHaveLength(1);
  });

  test('follows no redirect', async () => {
    webhook.answers = [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }];
    await expect(postToSlack(url, {})).rejects.toMatchObject({ name: 'SlackError' });
  });
});

describe('checkWebhook', () => {
  test.each([
    ['https://hooks.slack.com/services/a', false, true],
    ['https://hooks.slack.com/services/a', true, true],
    ['http://hooks.slack.com/services/a', true, false],
    ['http://127.0.0.1:8080/a', true, true],
    ['http://127.0.0.1:8080/a', false, false],
    ['http://127.0.0.1.example.org/a', true, false],
    ['file:///etc/passwd', true, false],
    ['nothing', true, false],
    [undefined, true, false],
  ])('%s (local stage: %s) is taken: %s', (url, local, taken) => {
    const check = () => checkWebhook(url, local);
    if (taken) expect(check().href).toBe(url);
    else expect(check).toThrow(/found no https address/);
  });

  test('the address is a secret: no message quotes it', () => {
    expect(() => checkWebhook('http://hooks.slack.com/services/T0SECRET', false)).not.toThrow(/T0SECRET/);
  });
});

const item = {
  entity_id: { S: 'a<&b' },
  kind: { S: 'alert#1' },
  alert_id: { S: 'id1' },
  title: { S: 'A customer is leaving' },
  link: { S: 'https://example.org/c/a%2Fb?t=1&x=|' },
  score: { N: '0.876' },
  t: { N: String(Date.UTC(2017, 10, 15, 9, 30)) },
  trigger: { S: 'sweep' },
  reasons: { L: [{ S: 'nothing bought for 20 days' }, { S: 'fewer than 3 & falling' }] },
};

interface Text {
  readonly type: string;
  readonly text: string;
  readonly verbatim?: boolean;
}
interface Block {
  readonly text?: Text;
  readonly elements?: readonly Text[];
}

describe('messages', () => {
  test('the Slack message names customer, score, reasons, trigger and time, and escapes what came from outside', () => {
    const text = JSON.stringify(slackMessage(alertOf(item)!));
    for (const part of ['a<&b  score 0.88', 'nothing bought for 20 days', 'fewer than 3 &amp; falling']) {
      expect(text).toContain(part);
    }
    expect(text).toContain('2017-11-15 09:30 UTC · after silence · alert id1');
    expect(text).toContain('<https://example.org/c/a%2Fb?t=1&amp;x=%7C|Open>');
    expect(slackMessage(alertOf(item)!)).toMatchObject({ text: expect.stringContaining('a&lt;&amp;b'), mrkdwn: false });
  });

  test.each([
    'https://evil.example',
    'www.evil.example',
    '@here',
    '<!channel>',
    '<@U1>',
    '#general',
    '*bold*',
    ':tada:',
  ])('the id %s is a text to Slack, neither a link nor a mention', (id) => {
    const { blocks } = slackMessage({ ...alertOf(item)!, entity_id: id }) as { blocks: Block[] };
    const naming = blocks
      .flatMap((block) => [block.text, ...(block.elements ?? [])])
      .filter((of) => of?.text.includes(id));
    expect(naming).toEqual([{ type: 'plain_text', text: `${id}  score 0.88`, emoji: false }]);
    const marked = blocks
      .flatMap((block) => [block.text, ...(block.elements ?? [])])
      .filter((of) => of?.type === 'mrkdwn');
    expect(marked.every((of) => of?.verbatim)).toBe(true);
  });

  test('what may end in a dead-letter queue says where the alert is, and nothing of it', () => {
    const { Message, MessageAttributes, MessageStructure } = notificationOf(announcement(item)!);
    const { email, ...others } = JSON.parse(Message) as Record<string, string>;
    expect(MessageStructure).toBe('json');
    expect(email).toContain('nothing bought for 20 days');
    expect(others).toEqual({ default: 'An alert waits in the outbox.' });
    expect(Object.keys(MessageAttributes)).toEqual(['entity_id', 'kind']);
  });

  test('a title is cut between characters', () => {
    const { blocks } = slackMessage({ ...alertOf(item)!, title: `${'x'.repeat(149)}😀😀` }) as {
      blocks: { text: { text: string } }[];
    };
    expect(blocks[0]!.text.text).toBe(`${'x'.repeat(149)}😀`);
  });

  test('only alert items are announced', () => {
    expect(announcement({ ...item, kind: { S: 'score' } })).toBeNull();
    expect(announcement(undefined)).toBeNull();
    expect(announcement(item)).toMatchObject({ entity_id: 'a<&b', kind: 'alert#1', title: 'A customer is leaving' });
  });
});

describe('the subject of an e-mail', () => {
  test.each([
    ['A customer is leaving', 'A customer is leaving'],
    ['two\nlines\u0007', 'two lines'],
    ['two\u2028lines\u2029', 'two lines'],
    ['half \ud83d a character', 'half \ufffd a character'],
    ['x'.repeat(120), 'x'.repeat(99)],
    // Never half a character: SNS takes UTF-8.
    [`${'x'.repeat(98)}😀`, 'x'.repeat(98)],
    ['\n', undefined],
  ])('of %j is what SNS takes', (title, subject) => {
    expect(subjectOf(title)).toBe(subject);
  });
});
