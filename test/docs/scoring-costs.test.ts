/** The page about what scoring costs says what the calculation gives, and its advice follows from it. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { cheapest, costsTable, EVENTS, MEASURED, PRICES, WAYS } from '../../docs/generate/scoring-costs.ts';
import { dev } from '../../lib/config/dev.ts';
import { prod } from '../../lib/config/prod.ts';

const page = readFileSync('docs/explanation/what-scoring-costs.md', 'utf8');

test('table, prices and times are those of the calculation', () => {
  // Columns are aligned in the page.
  const cells = (text: string) => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
  expect(cells(page)).toContain(cells(costsTable()));
  for (const said of [PRICES.region, PRICES.date, `${MEASURED.rowMs} ms`, `${MEASURED.requestMs} ms`])
    expect(page).toContain(said);
});

test('in-process is the cheapest from a hundred thousand events on, and prod pays for two fleets all the same', () => {
  expect(EVENTS.filter((events) => events >= 100_000).map(cheapest)).toEqual(Array(4).fill('in-process'));
  // Below, a serverless endpoint is cheaper by cents.
  expect(WAYS['in-process'](10_000)).toBeLessThan(0.2);
  expect([dev.endpoint.mode, prod.endpoint.mode]).toEqual(['in-process', 'instances']);
});

test('an endpoint on instances costs its hours: two ml.m5.large about $168 a month', () => {
  expect(WAYS['two ml.m5.large'](0)).toBeCloseTo(167.9, 1);
  expect(WAYS['one ml.t2.medium'](0)).toBeCloseTo(40.88, 2);
});
