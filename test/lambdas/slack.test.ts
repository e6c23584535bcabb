import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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
