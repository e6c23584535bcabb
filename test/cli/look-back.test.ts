import { expect, test } from '@jest/globals';
import { erasureTable } from '../../cli/commands/erase/command.ts';
import { readable } from '../../cli/commands/features/command.ts';
import { healingTable } from '../../cli/commands/heal/command.ts';
import { run } from '../../cli/main.ts';
import type { FeaturesAnswer } from '../../names/reports.ts';

const T = Date.parse('2017-11-15T00:00:00Z');
const answer: FeaturesAnswer = {
  entity_id: '42',
  t: T,
  known_before: T,
  snapshot_id: '7',
  view: 'churn@0',
  features: [
    { name: 'orders', value: 2, latest: 3 },
    { name: 'shop', value: 'a', latest: 'a' },
  ],
  events: Array.from({ length: 52 }, (_, i) => ({
    event_id: `e${i}`,
    event_type: 'buy',
    event_time: T - 1000 * (i + 1),
    available_at: T + 5,
    status: i === 0 ? 'not_known_yet' : 'counted',
    features: ['orders'],
  })),
  refused: [{ reason: 'DUPLICATE_EVENT_ID', arrival: T, event_id: 'e1' }],
};

test('what is known by now stands only beside values that differ', () => {
  const lines = readable(answer).split('\n');
  expect(lines[0]).toBe('churn@0 at 2017-11-15T00:00:00.000Z, as known before 2017-11-15T00:00:00.000Z (snapshot 7)');
  expect(lines.slice(2, 4)).toEqual(['orders  2   (latest: 3)', 'shop    "a"']);
  expect(lines[6]).toMatch(
    /^2017-11-14T23:59:59.000Z {2}known 2017-11-15T00:00:00.005Z {2}not_known_yet {2}buy {2}e0 {2}orders$/,
  );
  expect(lines).toContain('… and 2 older ones (--json shows all)');
  expect(lines.at(-1)).toBe('2017-11-15T00:00:00.000Z  DUPLICATE_EVENT_ID  e1');
});

test('an erasure is told by store', () => {
  const table = erasureTable([
    { store: 'DynamoDB features', taken: 1, left: 0 },
    { store: 'events', taken: 120, left: 3 },
  ]);
  expect(table.split('\n').map((line) => line.split(/\s{2,}/))).toEqual([
    ['store', 'taken', 'left'],
    ['DynamoDB features', '1', '0'],
    ['events', '120', '3'],
  ]);
});

test('a healing is told by finding, and what was done only where something could be', () => {
  const view = {
    view: 'churn@0',
    checked: 12,
    findings: { diverged: 1, healthy: 9, inexact: 2 },
    repaired: 2,
    raced: 1,
    erased: 0,
    held: 0,
    examples: {},
    started_at: T,
    seconds: 3.2,
  };
  const later = { ...view, view: 'late@0', skipped: 'its backfill comes first', checked: 0, findings: {} };
  const words = (repair: 'no' | 'yes') =>
    healingTable({ run: 'r', repair, views: [view, later] })
      .split('\n')
      .map((line) => line.trim().replaceAll(/ {2,}/g, ' '));
  const found = ['churn@0: 12 states in 3.2 s', 'diverged 1', 'healthy 9', 'inexact 2'];
  const left = 'late@0: not looked at (its backfill comes first)';
  expect(words('no')).toEqual([...found, left]);
  expect(words('yes')).toEqual([...found, 'repaired 2', 'raced 1', left]);
});

test('nothing is erased without a yes', async () => {
  const said: unknown[] = [];
  const { error } = console;
  console.error = (text: unknown) => said.push(text);
  try {
    await run(['node', 'tidemark', 'erase', '--entity', '42']);
  } finally {
    console.error = error;
  }
  expect(process.exitCode).toBe(1);
  process.exitCode = 0;
  expect(said).toEqual([expect.stringMatching(/--yes/)]);
  expect(JSON.stringify(said)).not.toContain('42');
});
