/** The page as it is looked at: on a narrow and a wide screen, light and dark, by mouse and keyboard. */
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Page as Tab } from 'puppeteer-core';
import type { Page } from '../../console/server.ts';
import type { Alarm, Widget } from '../../console/types.ts';
import { REPORT } from '../fixtures/experiment-report.ts';
import { openTab, type Scheme } from './browser.ts';
import { type Recorded, readRecorded, startRecorded } from './recorded.ts';
import { askAgain, askedAgain, nextFrame, pixelsOf, text, tooWide, unfold, weakTexts } from './seen.ts';

const SCHEMES: readonly Scheme[] = ['light', 'dark'];
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
/** WCAG 2.2, 1.4.3 for text and 1.4.11 for what is drawn. */
const TEXT_CONTRAST = 4.5;
const DRAWN_CONTRAST = 3;

const recorded = readRecorded();

const ring = (alarm: Alarm): Alarm => ({
  ...alarm,
  state: 'ALARM',
  reason: 'Threshold Crossed: 1 datapoint was above.',
});
const RINGING = ['ScorerLagWarning', 'NotifierDeadLetters'];
const isOneOf = (names: readonly string[], { name }: Alarm) => names.some((end) => name.endsWith(`/${end}`));

/** Two alarms ring. */
const loud: Recorded = {
  ...recorded,
  dashboard: {
    ...recorded.dashboard,
    alarms: recorded.dashboard.alarms.map((alarm) => (isOneOf(RINGING, alarm) ? ring(alarm) : alarm)),
  },
};

/** Everything that a source or a user may make long is, and has no place to break. */
const long: Recorded = {
  ...loud,
  pipeline: {
    ...recorded.pipeline,
    stage: 's'.repeat(40),
    use_case: 'u'.repeat(40),
    quarantined: { ['R'.repeat(90)]: 1 },
  },
  scores: {
    ...recorded.scores,
    top: recorded.scores.top.map((row) => ({ ...row, entity_id: 'e'.repeat(128), reasons: ['r'.repeat(200)] })),
    alerts: recorded.scores.alerts.map((row) => ({ ...row, entity_id: 'e'.repeat(128), trigger: 't'.repeat(60) })),
  },
  dashboard: {
    ...loud.dashboard,
    name: 'd'.repeat(200),
    alarms: loud.dashboard.alarms.map((alarm) => ({
      ...alarm,
      name: `a/b/${'n'.repeat(200)}`,
      reason: 'w'.repeat(300),
    })),
    widgets: loud.dashboard.widgets.map(
      (widget): Widget =>
        widget.kind === 'chart'
          ? {
              ...widget,
              title: 'T'.repeat(120),
              series: widget.series.map((one) => ({ ...one, label: 'l'.repeat(150) })),
            }
          : widget,
    ),
  },
};

const withoutPoints = (widget: Widget): Widget =>
  widget.kind === 'chart' ? { ...widget, series: widget.series.map((one) => ({ ...one, points: [] })) } : widget;

/** A deployment of a minute ago. */
const empty: Recorded = {
  ...recorded,
  pipeline: { ...recorded.pipeline, counts: {}, quarantined: {}, endpoint: null, model: null },
  scores: { ...recorded.scores, total: 0, top: [], alerts: [], alert_count: 0 },
  dashboard: { ...recorded.dashboard, alarms: [], widgets: recorded.dashboard.widgets.map(withoutPoints) },
};

/** Started once for each of these. */
const pages = new Map<Recorded, Promise<Page>>();
afterAll(() => Promise.all([...pages.values()].map(async (page) => (await page).close())));

const counts = { ignored: 0, failed: 0, gaps: 0, drift: 0, refused: 0 };
const sourced: typeof recorded = {
  ...recorded,
  pipeline: {
    ...recorded.pipeline,
    sources: [
      {
        ...{ ...counts, source: 'billing', service: 'intake-http', events: 1200, per_minute: 4.2, lag_ms: 350 },
        ...{ refused: 3, ignored: 12, drift: 2 },
      },
      {
        ...{ ...counts, source: 'a_source_with_a_name_of_32_chars', service: 'intake-stream' },
        ...{ events: 123_456_789, per_minute: 0, lag_ms: 3_900_000, gaps: 1 },
      },
    ],
  },
};

const tried: Recorded = {
  ...recorded,
  pipeline: {
    ...recorded.pipeline,
    experiment: { name: 'n'.repeat(32), started_at: 0, metric: 'm'.repeat(64), report: REPORT },
  },
};

async function looking<T>(
  data: Recorded,
  look: { readonly width: number; readonly height: number; readonly scheme: Scheme },
  see: (tab: Tab) => Promise<T>,
): Promise<T> {
  const started = pages.get(data) ?? startRecorded(data);
  pages.set(data, started);
  const tab = await openTab((await started).url, look);
  try {
    return await see(tab);
  } finally {
    await tab.close();
  }
}

describe.each(SCHEMES)('%s', (scheme) => {
  test.each([
    ['as recorded', recorded],
    ['with alarms that ring', loud],
    ['with long names', long],
    ['just deployed', empty],
    ['with sources', sourced],
    ['with an experiment', tried],
  ])('nothing scrolls sideways on a phone: %s', async (_, data) => {
    const seen = await looking(data, { ...PHONE, scheme }, async (tab) => {
      await unfold(tab);
      return { wide: await tooWide(tab), width: await tab.evaluate(() => document.documentElement.scrollWidth) };
    });
    expect(seen).toEqual({ wide: [], width: PHONE.width });
  });

  test.each([
    ['with alarms that ring', loud],
    ['just deployed', empty],
    ['with an experiment', tried],
  ])('every text can be told from its ground: %s', async (_, data) => {
    const { weak, looked } = await looking(data, { ...DESK, scheme }, async (tab) => {
      await unfold(tab);
      return tab.evaluate(weakTexts, TEXT_CONTRAST);
    });
    expect(weak).toEqual([]);
    expect(looked).toBeGreaterThan(50);
  });

  test('so can lines of charts, arrows and the frames of controls', async () => {
    const weak = await looking(recorded, { ...DESK, scheme }, (tab) =>
      tab.evaluate((least) => {
        const style = getComputedStyle(document.documentElement);
        const colour = (name: string) => style.getPropertyValue(name).trim();
        const channels = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
        const light = (hex: string) => {
          const [r = 0, g = 0, b = 0] = channels(hex).map((c) =>
            c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4,
          );
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const series = Array.from({ length: 8 }, (_, index) => `--series-${index + 1}`);
        return [...series, '--line', '--bar', '--bad', '--soft', '--accent'].flatMap((name) => {
          const [low = 0, high = 0] = [light(colour(name)), light(colour('--panel'))].sort((a, b) => a - b);
          const contrast = (high + 0.05) / (low + 0.05);
          return contrast >= least ? [] : [`${name} ${colour(name)}: ${contrast.toFixed(2)}`];
        });
      }, DRAWN_CONTRAST),
    );
    expect(weak).toEqual([]);
  });

  test('the freshness of a replay is drawn, in hours', async () => {
    await looking(recorded, { ...DESK, scheme }, async (tab) => {
      const widget = await tab.$('::-p-xpath(//div[h4[starts-with(., "Freshness")]])');
      expect(await widget?.evaluate((element) => Number((element as HTMLElement).dataset.points))).toBeGreaterThan(20);
      expect(await widget?.$eval('.chart', (element) => element.getAttribute('aria-label'))).toMatch(
        /^Freshness: from arrival to score, newest values: p50 [\d.]+ h, p99 [\d.]+ h$/,
      );
      for (const number of [1, 2]) expect(await pixelsOf(tab, 'Freshness', `--series-${number}`)).toBeGreaterThan(20);
      expect(await pixelsOf(tab, 'Freshness', '--series-5')).toBe(0);
    });
  });
});

test('nothing scrolls sideways at any other width, with long names', async () => {
  await looking(long, { ...DESK, scheme: 'light' }, async (tab) => {
    await unfold(tab);
    for (const width of [320, 800, 801, 1000, 1001, 1279, 1280, DESK.width]) {
      await tab.setViewport({ ...DESK, width });
      await nextFrame(tab);
      expect([width, await tooWide(tab)]).toEqual([width, []]);
    }
  });
});

describe('alarms', () => {
  const rows = (tab: Tab) => tab.$$eval('#alarms tbody tr', (all) => all.filter((row) => row.checkVisibility()).length);
  const total = recorded.dashboard.alarms.length;

  test('ringing ones come first, the gravest at the top, with what they mean; the others are folded', async () => {
    await looking(loud, { ...PHONE, scheme: 'light' }, async (tab) => {
      const shown = await tab.$$eval('.alarm', (all) => all.map((alarm) => alarm.textContent ?? ''));
      expect(shown).toEqual([
        expect.stringMatching(/^criticalNotifierDeadLettersfor \d+ min.*docs\/runbook\.md#dead-letters$/),
        expect.stringMatching(/^warningScorerLagWarningfor \d+ min.*Threshold Crossed.*docs\/runbook\.md#stream-lag$/),
      ]);
      expect(await text(tab, '#alarm-count')).toBe('2 ringing');
      expect(await text(tab, '#quiet-summary')).toMatch(
        new RegExp(`^${total - 2} quiet alarms: \\d+ OK, \\d+ without data yet$`),
      );
      expect(await rows(tab)).toBe(0);
      expect(
        await tab.$$eval('.alarm, #quiet', ([first, ...rest]) => rest.at(-1)!.compareDocumentPosition(first!)),
      ).toBe(2);
    });
  });

  test('folded ones open by keyboard, and stay open when the page asks again', async () => {
    await looking(recorded, { ...DESK, scheme: 'light' }, async (tab) => {
      expect(await text(tab, '#alarm-count')).toBe('none ringing');
      const focused = () => tab.evaluate(() => document.activeElement?.id ?? '');
      for (let press = 0; press < 10 && (await focused()) !== 'quiet-summary'; press += 1)
        await tab.keyboard.press('Tab');
      expect([await focused(), await rows(tab)]).toEqual(['quiet-summary', 0]);
      await tab.keyboard.press('Enter');
      expect(await rows(tab)).toBe(total);
      await askedAgain(tab, () => askAgain(tab));
      expect([await focused(), await rows(tab)]).toEqual(['quiet-summary', total]);
      await tab.keyboard.press('Space');
      expect(await rows(tab)).toBe(0);
    });
  });
});

test('sources are a table with what needs a look in red; without any there is none', async () => {
  const cells = (data: typeof recorded) =>
    looking(data, { ...DESK, scheme: 'light' }, (tab) =>
      tab.evaluate(() => ({
        hidden: document.querySelector<HTMLElement>('#sources-section')!.hidden,
        rows: [...document.querySelectorAll('#sources tbody tr')].map((row) =>
          [...row.querySelectorAll('td')].map((cell) => cell.textContent),
        ),
        bad: [...document.querySelectorAll('#sources .bad')].map((cell) => cell.textContent),
      })),
    );
  expect((await cells(recorded)).hidden).toBe(true);
  const shown = await cells(sourced);
  expect(shown.hidden).toBe(false);
  expect(shown.rows[0]).toEqual(['billing', 'http', '1,200', '4.2', '350 ms', '3', '12', '0', '0', '2']);
  expect(shown.bad).toEqual(['3', '2', '1']);
});

test('a link keeps the focus when the page asks again, and what scrolls is reached by keyboard', async () => {
  await looking(recorded, { ...DESK, scheme: 'light' }, async (tab) => {
    await tab.focus('#alerts tr:nth-child(3) a');
    const name = await tab.evaluate(() => document.activeElement?.textContent);
    await askedAgain(tab, () => askAgain(tab));
    expect(await tab.evaluate(() => document.activeElement?.textContent)).toBe(name);
    expect(name).toBe(recorded.scores.alerts[2]?.entity_id);
    expect(await tab.$$eval('.scroll', (all) => all.map((part) => (part as HTMLElement).tabIndex))).toEqual([0, 0, 0]);
  });
});

test('charts follow when the system turns dark', async () => {
  await looking(recorded, { ...DESK, scheme: 'light' }, async (tab) => {
    const before = await pixelsOf(tab, 'States', '--series-1');
    await askedAgain(tab, () => tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]));
    expect(before).toBeGreaterThan(20);
    expect(await pixelsOf(tab, 'States', '--series-1')).toBeGreaterThan(20);
  });
});

test('what there is not yet is said', async () => {
  await looking(empty, { ...DESK, scheme: 'light' }, async (tab) => {
    expect(await text(tab, '#alerts')).toBe('No alert yet: one is raised when a score rises above 0.8.');
    expect(await text(tab, '#scores')).toMatch(/^No score yet/);
    expect(await text(tab, '#alarm-count')).toBe('none are deployed');
    const charts = await tab.$$eval('.widget[data-kind="chart"] .body', (all) =>
      all.map(({ textContent }) => textContent),
    );
    expect(charts).toHaveLength(12);
    // A metric that could not be read says why.
    const { from, to, widgets } = recorded.dashboard;
    const clock = (ms: number) => new Date(ms).toISOString().slice(11, 19);
    const problems = widgets.flatMap((widget) => (widget.kind === 'chart' ? widget.series : [])).map((s) => s.problem);
    expect(new Set(charts)).toEqual(
      new Set([
        `No data from ${clock(from)} to ${clock(to)} UTC.`,
        ...problems.flatMap((problem) => (problem === undefined ? [] : [`No data: ${problem}.`])),
      ]),
    );
    expect(await tab.$$eval('[data-box="model"] .box-value', ([box]) => box?.textContent)).toBe('none yet');
  });
});

test('a cloud that does not answer is said, and what was shown stays', async () => {
  const page = await startRecorded(recorded);
  const tab = await openTab(page.url, { ...DESK, scheme: 'light' });
  try {
    await page.close();
    await askAgain(tab);
    await tab.waitForSelector('#problem:not([hidden])');
    expect(await text(tab, '#problem')).toBe(
      'The command that serves this page has ended, or does not answer: start it again.',
    );
    expect(await tab.$$eval('#alerts tbody tr', ({ length }) => length)).toBe(recorded.scores.alerts.length);
  } finally {
    await tab.close();
  }
});
