import { describe, expect, test } from '@jest/globals';
import { costsOf } from '../../cli/commands/report/cost.ts';
import { figuresOf, foundBy } from '../../cli/commands/report/figures.ts';
import { html } from '../../cli/commands/report/html.ts';
import { type ReportParts, reportPage } from '../../cli/commands/report/page.ts';
import type { RaisedAlert } from '../../cli/commands/report/read.ts';
import { dayOption, lastWeek, weekOf } from '../../cli/commands/report/week.ts';
import type { AlertIR } from '../../core/ir/document.ts';
import { isHeldOut } from '../../core/scores/policy.ts';
import { DAY } from '../../core/values/time.ts';
import type { Outcome } from '../../engine/alerting/outcome.ts';
import { ir } from '../engine/use-case.ts';

const week = weekOf(Date.UTC(2026, 10, 4, 15));
const alerts: AlertIR = { ...ir.alerts, hold_out: 0.3 };
const named = (held: boolean) => (i: number) => isHeldOut(alerts, 'shop', `c${i}`) === held;
const ids = Array.from({ length: 300 }, (_, i) => i);
const told = ids.filter(named(false)).slice(0, 100);
const held = ids.filter(named(true)).slice(0, 40);

const raised = (i: number, over: Partial<RaisedAlert> = {}): RaisedAlert => ({
  ...{ alert_id: `a${i}`, entity_id: `c${i}`, t: week.from + 1000 + i, score: 0.9, trigger: 'sweep' },
  ...{ model_version: 'm1', reasons: ['nothing bought for 20 days'], rule: null },
  ...over,
});
const said = (alert_id: string, outcome: Outcome['outcome'], said_at: number): Outcome => ({
  ...{ outcome_id: `${alert_id}${said_at}`, alert_id, entity_id: 'x', t: 1, outcome, said_by: 'U1', said_at },
});
const figures = (all: readonly RaisedAlert[], labels = new Map<string, boolean>(), outcomes: readonly Outcome[] = []) =>
  figuresOf({ name: 'shop', alerts }, { alerts: all, outcomes }, labels, week);

describe('a week', () => {
  test.each([
    ['2026-11-02', '2026-11-02'],
    ['2026-11-08', '2026-11-02'],
    ['2026-11-09', '2026-11-09'],
    ['1970-01-01', '1969-12-29'],
  ])('of %s begins on Monday %s', (text, monday) =>
    expect(new Date(weekOf(dayOption(text)).from).toISOString()).toBe(`${monday}T00:00:00.000Z`),
  );
  test('the last one is over', () => expect(lastWeek(week.to).from).toBe(week.from));
  test.each(['2026-02-30', '2026-1-1', 'today', '2026-11-02T00:00'])('%s is no day', (text) =>
    expect(() => dayOption(text)).toThrow(/allowed is a day/),
  );
});

describe('what a week comes to', () => {
  test('only its own alerts, each with its fate, and the last word on it', () => {
    const all = [
      raised(told[0]!),
      raised(told[1]!, { rule: 'capacity' }),
      raised(told[2]!, { waiting: 'yes' }),
      raised(held[0]!, { rule: 'hold_out' }),
      raised(told[3]!, { t: week.from - 1 }),
      raised(told[4]!, { t: week.to }),
    ];
    const words = [
      said(`a${told[0]}`, 'reached', 5),
      said(`a${told[0]}`, 'saved', 7),
      said(`a${told[0]}`, 'wrong', week.to),
    ];
    const found = figures(all, new Map([[`a${told[0]}`, true]]), words);
    expect(found.fates).toEqual({ told: 1, capacity: 1, waiting: 1, hold_out: 1 });
    expect(found.outcomes).toEqual({ reached: 0, saved: 1, wrong: 0, unsaid: 0 });
    expect(found.rows[0]).toMatchObject({ fate: 'told', label: true, outcome: { outcome: 'saved' } });
    expect(found.rows[1]?.label).toBeUndefined();
  });

  test('whom an event found, and whom only silence', () => {
    const by = [raised(1), raised(2), raised(1, { trigger: 'event' }), raised(3, { trigger: 'event' })];
    expect(foundBy(by)).toEqual({ event: 2, silence: 1 });
    expect(foundBy([])).toEqual({ event: 0, silence: 0 });
  });

  test('told against left alone: each once, at the first alert, also of earlier weeks, those who wait apart', () => {
    const all = [
      ...told.map((i) => raised(i, { t: week.from - DAY + i })),
      ...held.map((i) => raised(i, { rule: 'hold_out' })),
      // Again, with another label: the first counts.
      raised(told[0]!, { alert_id: 'again', t: week.to - 1 }),
      // Nobody was told, and not by chance.
      raised(299, { alert_id: 'full', rule: 'capacity' }),
    ].sort((a, b) => a.t - b.t);
    const labels = new Map<string, boolean>([
      ...told.slice(0, 80).map((i, n) => [`a${i}`, n < 48] as [string, boolean]),
      ...held.slice(0, 30).map((i, n) => [`a${i}`, n < 24] as [string, boolean]),
      ['again', true],
      ['full', true],
    ]);
    const { comparison } = figures(all, labels);
    expect(comparison).toMatchObject({ told: { hits: 48, of: 80 }, held_out: { hits: 24, of: 30 }, awaiting: 30 });
    // Of 48/80 − 24/30 by Newcombe: computed by hand from Wilson's ends .4904–.7004 and .6269–.9050.
    expect(comparison.difference).toEqual({
      by: expect.closeTo(-0.2),
      low: expect.closeTo(-0.3519, 3),
      high: expect.closeTo(0.0003, 3),
    });
  });

  test('who was told under another share is in neither group', () => {
    const { comparison } = figures([raised(held[0]!)], new Map([[`a${held[0]}`, true]]));
    expect([comparison.told.of, comparison.held_out.of, comparison.difference]).toEqual([0, 0, null]);
  });
});

const parts = (over: Partial<ReportParts> = {}): ReportParts => {
  const found = figures([raised(told[0]!), raised(held[0]!, { rule: 'hold_out' })]);
  const days = Array.from({ length: 7 }, (_, i) => ({ scored: 100, above: i }));
  const scored = {
    predictions: 700,
    entities: 300,
    by_version: { m1: 700 },
    by_trigger: { sweep: 500, event: 200 },
    days,
    objects: 9,
  };
  return {
    ...{
      use_case: 'shop',
      stage: 'prod',
      entity: 'customer',
      label: 'gone',
      week,
      made_at: week.to,
      capacity_per_day: 5,
    },
    ...{
      hold_out: 0.3,
      figures: found,
      scored,
      model: { version: 3, metadata: { auc: '0.85', other: 'x' } },
    },
    costs: costsOf(scored, found, { instanceType: 'ml.m5.large', instances: 2 }),
    ...over,
  };
};

describe('the page', () => {
  test('asks nobody for anything, and says what there is', () => {
    const page = reportPage(parts());
    expect(page).not.toMatch(/<script|<link|@import|url\(|src=|https?:\/\//);
    for (const text of [
      'week of 2026-11-02',
      'left alone by chance (hold-out)',
      'nothing bought for 20 days',
      '0.85',
      'found only by silence',
      '$38.64',
    ])
      expect(page).toContain(text);
    expect(page).not.toContain('>other<');
  });

  test('nothing from outside is markup', () => {
    const evil = '<img src=x onerror="alert(1)">';
    const found = figures([raised(told[0]!, { entity_id: evil, reasons: [evil], trigger: evil, rule: evil })]);
    const model = { version: 1, metadata: { auc: evil } };
    const page = reportPage(parts({ figures: found, use_case: evil, stage: evil, entity: evil, label: evil, model }));
    expect(page).not.toContain('<img');
    expect(page).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
  });

  test('says so where there is nothing', () => {
    const none = figures([]);
    const page = reportPage(parts({ figures: none, model: null }));
    expect(page).toContain('Nobody: no score rose above the threshold.');
    expect(page).toContain('There is nothing to compare yet');
    expect(page).toContain('No model serves.');
  });
});

test('a template escapes its values, and keeps markup of its own', () => {
  expect(html`<b>${`<&>"'`}${html`<i>${[1, null, false, 'x']}</i>`}</b>`.text).toBe(
    '<b>&lt;&amp;&gt;&quot;&#39;<i>1x</i></b>',
  );
});

test('costs are counts times list prices; what has no price here is said', () => {
  const { scored, figures: found } = parts();
  const { lines } = costsOf(scored, found, { instanceType: 'ml.m5.large', instances: 2 });
  expect(lines[0]).toEqual({ what: 'hours of ml.m5.large', count: 336, usd: expect.closeTo(38.64, 6) });
  expect(lines[2]).toEqual({ what: 'scores written', count: 700, usd: expect.closeTo(700 * 0.625e-6, 12) });
  expect(costsOf(scored, found, { instanceType: 'ml.odd', instances: 1 }).lines[0]?.usd).toBeNull();
});
