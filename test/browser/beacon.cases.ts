/** A page of a shop sends what its visitor does to the front door of another origin: by beacon, and by a script that reads the answer. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page as Tab } from 'puppeteer-core';
import { Door } from '../lambdas/intake-http/door.ts';
import { KEYS, type Sent } from '../lambdas/intake-http/providers.ts';
import { browser, PATIENCE_MS } from './browser.ts';

const servers: Server[] = [];
let door: Door;
let address: string;
let tab: Tab;

/** On a free port of loopback. */
async function listening(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The local cloud answers no page, whatever its origin: an HTTP API in its place hands requests to the door as AWS's does. */
const api = createServer(async (request, response) => {
  const { method = '', url = '', headers } = request;
  const query = Object.fromEntries(new URL(url, 'http://api.invalid').searchParams);
  const answered = await door.send({
    method,
    query,
    headers: headers as Sent['headers'] & object,
    body: await buffer(request),
  });
  response.writeHead(answered.statusCode, answered.headers as Record<string, string>).end(answered.body);
});
const pages = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>shop</title>');
});

beforeAll(async () => {
  const shop = await listening(pages);
  door = new Door('web', { origins: [shop] });
  door.now = Date.now();
  address = `${await listening(api)}/v1/in/web?key=${KEYS[0]}`;
  tab = await (await browser()).newPage();
  await tab.goto(shop);
});

afterAll(async () => {
  await tab?.close();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

const message = (messageId: string) =>
  JSON.stringify({
    type: 'track',
    event: 'Cart Viewed',
    messageId,
    anonymousId: 'visitor-1',
    sentAt: new Date().toISOString(),
  });

/** As a page's script calls it. @returns the status, or the name of the error that a script sees */
const fetched = (to: string, type: string, body: string) =>
  tab.evaluate(
    (where, contentType, text) =>
      fetch(where, { method: 'POST', headers: { 'content-type': contentType }, body: text }).then(
        ({ status }) => status,
        (error: Error) => error.name,
      ),
    ...([to, type, body] as const),
  );

async function until(count: number): Promise<string[]> {
  const end = Date.now() + PATIENCE_MS;
  while (door.events.length < count && Date.now() < end) await new Promise((done) => setTimeout(done, 20));
  return door.events.map(({ event_id }) => String(event_id));
}

describe('a page of another origin', () => {
  test('sends a beacon, which asks nothing before and reads nothing after', async () => {
    expect(await tab.evaluate((to, body) => navigator.sendBeacon(to, body), address, message('b1'))).toBe(true);
    expect(await until(1)).toEqual(['web:b1']);
    expect(door.events).toMatchObject([{ entity_id: 'visitor-1', properties: { kind: 'Cart Viewed' } }]);
  });

  test('sends a beacon as it is closed', async () => {
    const left = await (await browser()).newPage();
    await left.goto(tab.url());
    await left.evaluate(
      (to, body) => addEventListener('pagehide', () => navigator.sendBeacon(to, body)),
      ...([address, message('b2')] as const),
    );
    await left.close({ runBeforeUnload: true });
    expect(await until(2)).toEqual(['web:b1', 'web:b2']);
  });

  test('may send JSON after it has asked, and reads the answer', async () => {
    expect(await fetched(address, 'application/json', message('f1'))).toBe(200);
    expect(await fetched(address, 'text/plain', message('f2'))).toBe(200);
    expect(await fetched(`${address}-wrong`, 'text/plain', message('f3'))).toBe(401);
    expect(await until(4)).toEqual(['web:b1', 'web:b2', 'web:f1', 'web:f2']);
  });

  test('that is none of the shop may neither send nor read', async () => {
    const { port } = new URL(tab.url());
    // Another host is another origin.
    await tab.goto(`http://localhost:${port}`);
    expect(await fetched(address, 'application/json', message('e1'))).toBe('TypeError');
    expect(await fetched(address, 'text/plain', message('e2'))).toBe('TypeError');
    await tab.evaluate((to, body) => navigator.sendBeacon(to, body), address, message('e3'));
    await tab.goto(`http://127.0.0.1:${port}`);
    expect(await fetched(address, 'text/plain', message('f4'))).toBe(200);
    expect(door.events.map(({ event_id }) => event_id)).toEqual(['web:b1', 'web:b2', 'web:f1', 'web:f2', 'web:f4']);
  });
});
