import chromium from '@sparticuz/chromium';
import puppeteer, { type Browser, type Page as Tab } from 'puppeteer-core';

export type Scheme = 'light' | 'dark';

/** Until something hangs, on a machine under load. */
export const PATIENCE_MS = 120_000;

/** Of the package's own arguments: with it no browser asks before it sends to another origin. */
const UNLIKE_A_VISITOR = ['--disable-web-security'];

let launched: Promise<Browser> | undefined;

/** A real browser, from the packages; one a process. It unpacks itself, so two processes must not start one at once. */
export function browser(): Promise<Browser> {
  launched ??= chromium.executablePath().then((executablePath) =>
    puppeteer.launch({
      args: [...chromium.args.filter((arg) => !UNLIKE_A_VISITOR.includes(arg)), '--no-sandbox'],
      executablePath,
      headless: 'shell',
      timeout: PATIENCE_MS,
    }),
  );
  return launched;
}

/** Ends it, where there is one. */
export async function closeBrowser(): Promise<void> {
  await (await launched)?.close();
  launched = undefined;
}

export interface Look {
  readonly width: number;
  readonly height: number;
  /** Pixels of the picture per pixel of the page. @default 1 */
  readonly density?: number;
  readonly scheme: Scheme;
}

/** The page in a tab of its own, once everything was shown. @throws TimeoutError when it is not in time */
export async function openTab(url: string, look: Look): Promise<Tab> {
  const tab = await (await browser()).newPage();
  await tab.setViewport({ width: look.width, height: look.height, deviceScaleFactor: look.density ?? 1 });
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: look.scheme }]);
  await tab.goto(url);
  await tab.waitForSelector('body[data-ready="true"]', { timeout: PATIENCE_MS });
  return tab;
}
