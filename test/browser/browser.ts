import chromium from '@sparticuz/chromium';
import puppeteer, { type Browser, type Page as Tab } from 'puppeteer-core';

export type Scheme = 'light' | 'dark';

/** A real browser, from the packages. */
export async function launchBrowser(): Promise<Browser> {
  return puppeteer.launch({
    args: [...chromium.args, '--no-sandbox'],
    executablePath: await chromium.executablePath(),
    headless: 'shell',
  });
}

export interface Look {
  readonly width: number;
  readonly height: number;
  /** Pixels of the picture per pixel of the page. @default 1 */
  readonly density?: number;
  readonly scheme: Scheme;
}

/** The page in a tab of its own, once everything was shown. @throws TimeoutError when it is not within 20 s */
export async function openTab(browser: Browser, url: string, look: Look): Promise<Tab> {
  const tab = await browser.newPage();
  await tab.setViewport({ width: look.width, height: look.height, deviceScaleFactor: look.density ?? 1 });
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: look.scheme }]);
  await tab.goto(url);
  await tab.waitForSelector('body[data-ready="true"]', { timeout: 20_000 });
  return tab;
}
