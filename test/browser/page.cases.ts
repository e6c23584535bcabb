import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page as Tab } from 'puppeteer-core';
import { awsPageData, type PageSource } from '../../console/data.ts';
import { type Page, startPage } from '../../console/server.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { browser, PATIENCE_MS } from './browser.ts';
import { deployFixture } from './page-fixture.ts';

let cloud: LocalCloud;
let source: PageSource;
let page: Page;
let tab: Tab;
const complaints: string[] = [];

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  source = await deployFixture(cloud, Date.now());
  page = await startPage(awsPageData(source));
  tab = await (await browser()).newPage();
  await tab.setViewport({ width: 1440, height: 1500 });
  tab.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  tab.on('pageerror', (error) => complaints.push(String(error)));
  tab.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  await tab.goto(page.url);
  await tab.waitForSelector('body[data-ready="true"]', { timeout: PATIENCE_MS });
});

afterAll(async () => {
  await tab?.close();
  await page?.close();
  await cloud?.stop();
});

const text = (selector: string) => tab.$eval(selector, (element) => element.textContent ?? '');
const rows = (selector: string) => tab.$$eval(`${selector} tbody tr`, (all) => all.map((row) => row.textContent ?? ''));

/** How many different colours a chart's canvas has: an empty one has one. */
const coloursOf = (selector: string) =>
  tab.$eval(selector, (element) => {
    const canvas = element as HTMLCanvasElement;
    const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
      0,
      0,
      canvas.width,
      canvas.height,
    );
    return new Set(new Uint32Array(data.buffer)).size;
  });

describe('the page', () => {
  test('draws the points of each widget of the deployed dashboard', async () => {
    const widgets = await tab.$$eval('.widget', (all) =>
      all.map((widget) => ({
        title: widget.querySelector('h4')?.textContent,
        points: (widget as HTMLElement).dataset.points,
      })),
    );
    expect(widgets.map(({ title }) => title)).toEqual([undefined, 'Events', 'Now', 'Nothing yet', 'Freshness']);
    expect(Number(widgets[1]?.points)).toBe(20);
    expect(widgets[3]?.points).toBe('0');
    expect(await coloursOf('.widget[data-kind="chart"] canvas')).toBeGreaterThan(20);
    expect(await coloursOf('#histogram canvas')).toBeGreaterThan(20);
    expect(await text('.singles b')).toBe('33');
    expect(widgets[4]?.points).toBe('20');
    expect(await tab.$$eval('.widget .chart', (all) => all.at(-1)?.getAttribute('aria-label'))).toMatch(
      /^Freshness, newest values: p50 3 h, p99 (8\.\d+|9) h$/,
    );
  });

  test('shows alerts, scores with their reasons, alarms and the counts of the pipeline', async () => {
    const alerts = await rows('#alerts');
    expect(alerts).toHaveLength(12);
    expect(alerts[0]).toMatch(/0\.\d\d.*no basket for 31 days.*silence.*sent/s);
    expect((await rows('#scores'))[0]).toMatch(/0\.97/);
    expect((await rows('#alarms'))[0]).toContain('Quarantine is filling');
    const counts = await tab.$$eval('[data-box]', (all) =>
      Object.fromEntries(
        all.map((box) => [(box as HTMLElement).dataset.box, box.querySelector('.box-value')?.textContent]),
      ),
    );
    expect(counts).toMatchObject({
      stream: '2 shards',
      processor: '465 events',
      quarantine: '10 records',
      endpoint: 'none yet',
    });
    expect(await text('.quarantined')).toContain('Malformed json 10');
  });

  test('shows the experiment that runs', async () => {
    expect(await rows('#experiment')).toEqual(['champion200150403.25', 'challenger190151303.75']);
    expect(await text('#experiment-name')).toMatch(/^first, since .*, judged by orders, 14 days later$/);
    expect(await text('#experiment-said')).toMatch(
      /^wait No difference is proven yet\.Challenger less champion 0\.5, 95 % interval at every look -0\.25 to 1\.25\./,
    );
  });

  test('executes nothing that comes from data, and the browser complains of nothing', async () => {
    expect(await tab.$eval('body', (body) => body.dataset.hacked)).toBeUndefined();
    const links = await tab.$$eval('#alerts a', (all) => all.map((link) => (link as HTMLAnchorElement).protocol));
    expect(new Set(links)).toEqual(new Set(['https:']));
    expect(await text('#alerts')).toContain('<img src=x');
    expect(complaints).toEqual([]);
  });

  test('refuses other hosts and methods, and sends a strict content policy', async () => {
    const { port } = new URL(page.url);
    const status = (host: string, method = 'GET') =>
      new Promise<number | undefined>((resolve, reject) => {
        get({ host: '127.0.0.1', port, path: '/', method, headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).once('error', reject);
      });
    expect(await status(`evil.example.com:${port}`)).toBe(421);
    expect(await status(`127.0.0.1:${port}`)).toBe(200);
    expect(await status(`127.0.0.1:${port}`, 'POST')).toBe(405);
    const policy = (await fetch(page.url)).headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
  });
});

describe('the page of a use case that leaves parts out', () => {
  const boxes = (of: Tab) => of.$$eval('[data-box]', (all) => all.map((box) => (box as HTMLElement).dataset.box));

  /** What can be seen of a page over the same cloud. */
  async function look(model: PageSource['model']) {
    const open = await startPage(awsPageData({ ...source, model }));
    const other = await (await browser()).newPage();
    try {
      await other.goto(open.url);
      await other.waitForSelector('body[data-ready="true"]', { timeout: PATIENCE_MS });
      const shown = (id: string) => other.$eval(id, (element) => (element as HTMLElement).offsetHeight > 0);
      return {
        boxes: await boxes(other),
        arrows: (await other.$$('.arrow')).length,
        scores: await shown('#scores-and-alerts'),
        alerts: await shown('#alerts-panel'),
        problem: await shown('#problem'),
      };
    } finally {
      await other.close();
      await open.close();
    }
  }

  test('shows events and features alone', async () => {
    const whole = await boxes(tab);
    expect(whole).toEqual(expect.arrayContaining(['scorer', 'alerts', 'slack', 'model', 'endpoint']));
    const left = ['stream', 'processor', 'states', 'lake', 'quarantine'];
    expect(await look(null)).toEqual({ boxes: left, arrows: 4, scores: false, alerts: false, problem: false });
  });

  test('shows scores without alerts', async () => {
    const found = await look({ ...source.model!, alertThreshold: null });
    expect(found).toMatchObject({ scores: true, alerts: false, problem: false });
    expect(found.boxes).toEqual(expect.arrayContaining(['scorer', 'model', 'endpoint']));
    expect(found.boxes.filter((id) => id === 'alerts' || id === 'slack')).toEqual([]);
  });
});
