/** What can be seen of the page in a tab. */
import type { Page as Tab } from 'puppeteer-core';

export const text = (tab: Tab, selector: string) => tab.$eval(selector, (element) => element.textContent ?? '');

/** Opens the quiet alarms. */
export const unfold = (tab: Tab) =>
  tab.$eval('#quiet', (element) => {
    (element as HTMLDetailsElement).open = true;
  });

/** Lets the page ask for what it shows, as a choice of another range does. */
export const askAgain = (tab: Tab) => tab.$eval('#range', (range) => void range.dispatchEvent(new Event('change')));

/** Once the page has shown the answers to what `act` makes it ask. */
export async function askedAgain(tab: Tab, act: () => Promise<void>): Promise<void> {
  const answered = ['pipeline', 'scores', 'dashboard'].map((part) =>
    tab.waitForResponse((response) => response.url().includes(`/api/${part}`)),
  );
  await act();
  await Promise.all(answered);
  await tab.waitForNetworkIdle({ idleTime: 100 });
  await nextFrame(tab);
}

/** Once a new size or theme was told to the page, and drawn. */
export const nextFrame = (tab: Tab) =>
  tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** What is wider than the place it has: the page, and whatever scrolls inside it. */
export const tooWide = (tab: Tab) =>
  tab.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll<HTMLElement>('.scroll, .body, .legend, .alarm, .panel')]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(
        ({ className, tagName, scrollWidth, clientWidth }) =>
          `${tagName}.${className}: ${scrollWidth} > ${clientWidth}`,
      ),
  );

/** How many pixels of a chart have the colour of the style sheet. @param title what its own begins with */
export const pixelsOf = (tab: Tab, title: string, name: string) =>
  tab.evaluate(
    (start, variable) => {
      const widget = [...document.querySelectorAll('.widget')].find((one) =>
        one.querySelector('h4')?.textContent?.startsWith(start),
      );
      const canvas = widget?.querySelector('canvas');
      if (!canvas) return 0;
      const hex = getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
      const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4)
        if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255) found += 1;
      return found;
    },
    title,
    name,
  );

/**
 * Runs in the page: texts that are seen, and those whose contrast is less than `least`.
 * Contrast and relative luminance as WCAG 2.2 defines them.
 */
export function weakTexts(least: number): { weak: string[]; looked: number } {
  const parse = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = (colour: readonly number[]) => {
    const [r = 0, g = 0, b = 0] = colour
      .slice(0, 3)
      .map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element: Element | null): readonly number[] => {
    if (!element) return [255, 255, 255];
    const colour = parse(getComputedStyle(element).backgroundColor);
    return colour.length === 3 || (colour[3] ?? 0) === 1 ? colour : ground(element.parentElement);
  };
  const weak: string[] = [];
  let looked = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!element?.checkVisibility() || (node.textContent ?? '').trim() === '') continue;
    looked += 1;
    const [low = 0, high = 0] = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort(
      (a, b) => a - b,
    );
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < least) weak.push(`${contrast.toFixed(2)}: ${node.textContent}`);
  }
  return { weak, looked };
}
