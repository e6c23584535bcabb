/** The sizes that the page about quantiles names are those that the code gives. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { contract, field, quantile } from '../../core/definition/define.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import { encodeState } from '../../core/state/codec.ts';
import { compileView } from '../../core/state/plan.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { largestStateBytes } from '../../core/state/state-size.ts';
import { DAY } from '../../core/values/time.ts';
import { useCaseOf } from '../core/use-case-of.ts';

const PAGE = 'docs/explanation/quantiles.md';
const ERRORS = [0.1, 0.05, 0.01, 0.001];
const T = Date.UTC(2026, 0, 29);
const MOST = 1_000_000;
const sale = contract('sale', 1, { fields: { amount: field.decimal(2, { min: 0, max: MOST }) } });

/** Without an error, the view beside: what the quantiles add is the difference. */
function viewOf(error?: number, qs: readonly number[] = [0.5]) {
  const of = error === undefined ? [] : qs.map((q) => ({ of: sale.amount, window: '28d', q, error }) as const);
  const useCase = useCaseOf([sale], Object.fromEntries(of.map((spec) => [`q${spec.q * 100}`, quantile(spec)])));
  return { plan: compileView(useCase.views[0]!), contracts: useCase.contracts };
}

/** Amounts from 1 to a million units, as many between 1 and 10 as between 100,000 and a million; spread over 28 days. */
function sales(count: number): CanonicalEvent[] {
  return Array.from({ length: count }, (_, i): CanonicalEvent => {
    const about = { entity_id: 'ann', event_type: 'sale', source: '', source_time: null, schema_version: 1 };
    const event_time = T - 28 * DAY + Math.floor((28 * DAY * i) / count);
    const amount = Math.floor(MOST ** ((i * 0.618_033_988_75) % 1));
    const position = { shard_id: 's', sequence_number: String(i + 1) };
    return { ...about, ...position, event_id: `e${i}`, event_time, available_at: event_time, properties: { amount } };
  });
}

function stateBytes({ plan }: ReturnType<typeof viewOf>, count: number): number {
  return encodeState(plan, applyEvents(plan, emptyState(plan), sales(count)).state).length;
}

test('the table of sizes', () => {
  const without = viewOf();
  const rows = ERRORS.map((error) => {
    const of = viewOf(error);
    const bytes = [28, 280, 2800].map((count) => stateBytes(of, count) - stateBytes(without, count));
    const largest = largestStateBytes(of.plan, of.contracts) - largestStateBytes(without.plan, without.contracts);
    return [error, ...bytes, largest].map((cell) => cell.toLocaleString('en')).join(' | ');
  });
  // A second quantile with the same error adds nothing.
  expect(stateBytes(viewOf(0.01, [0.5, 0.9]), 280)).toBe(stateBytes(viewOf(0.01), 280));
  const page = readFileSync(PAGE, 'utf8');
  const table = page.match(/^\|.*\|$/gm)!.slice(2);
  expect(table.map((row) => row.replace(/^\| *| *\|$/g, '').replace(/ *\| */g, ' | '))).toEqual(rows);
});
