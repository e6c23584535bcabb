/** The harness computes its rows right, and each part runs on a small size. No figure of time is asserted. */
import { describe, expect, test } from '@jest/globals';
import { stateRows, writeRows } from '../../bench/churn/part.ts';
import { document } from '../../bench/docs.ts';
import { growthRows } from '../../bench/growth/part.ts';
import { beside } from '../../bench/peers/measure.ts';
import { rowsOf } from '../../bench/pit/run.ts';
import { summaryOf } from '../../bench/profile.ts';
import { readRows } from '../../bench/read/part.ts';
import { rateOf, sideBySide } from '../../bench/rounds.ts';
import { atLeast, atMost, exactly, type Row, row, spreadOf } from '../../bench/rows.ts';
import { EVENT_BYTES, linesOf, recordsOf } from '../../bench/stream/events.ts';
import { streamRows } from '../../bench/stream/part.ts';
import { markdownTable, plainTable } from '../../bench/table.ts';

const quiet = () => {};
const KEYS = ['beside', 'goal', 'met', 'name', 'unit', 'value'];
const good = (rows: readonly Row[]) => {
  for (const one of rows) {
    expect(Object.keys(one).sort()).toEqual(KEYS);
    expect(one.value).toBeGreaterThan(0);
  }
};

describe('rows', () => {
  test.each([
    ['at least', atLeast(10), 10, true],
    ['at least', atLeast(10), 9.99, false],
    ['at most', atMost(10), 10, true],
    ['at most', atMost(10), 10.01, false],
    ['exactly', exactly(10), 10, true],
    ['exactly', exactly(10), 9, false],
  ])('%s %j, found %d: met is %s', (_, goal, value, met) => {
    expect(row('x', value, 'u', goal)).toMatchObject({ goal: 10, met });
  });

  test('without a goal nothing is met or missed', () => {
    expect(row('x', 1, 'u')).toEqual({ name: 'x', value: 1, unit: 'u', goal: null, met: null, beside: {} });
  });

  test('what is no figure is refused', () => {
    expect(() => row('x', Number.NaN, 'u')).toThrow('x, value: found NaN');
    expect(() => row('x', 1, 'u', null, { y: 1 / 0 })).toThrow('x, y: found Infinity');
  });

  test('median of odd and even numbers of samples', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 });
    expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5);
    expect(() => spreadOf([])).toThrow('found none');
  });

  test('the slowest pass is the lowest rate', () => {
    expect(rateOf(100, { median: 2, low: 1, high: 4 })).toEqual({ median: 50, low: 25, high: 100 });
  });

  test('passes take turns, the warm-up is not counted', async () => {
    const order: string[] = [];
    const pass = (name: string) => ({ name, run: () => void order.push(name) });
    const took = await sideBySide([pass('a'), pass('b')], 2, quiet);
    expect(order.join('')).toBe('ababab');
    expect([...took.keys()]).toEqual(['a', 'b']);
  });
});

describe('tables', () => {
  const rows = [row('a', 1234.5, 'u', atLeast(2000), { b: 0.12345 }), row('c', 1, 'u')];

  test('a missed goal is said with its figure', () => {
    expect(plainTable(rows).split('\n')[1]).toMatch(/^a +1,235 u +2,000 +missed +b 0\.123$/);
    expect(markdownTable(rows)).toContain('| a | 1,235 u | 2,000 | missed | b 0.123 |');
  });

  test('the document has the date, the machine and the table', () => {
    const text = document(rows, ['2 cores'], '2026-11-24', '');
    for (const part of ['2026-11-24', '- 2 cores', '| c | 1 u |']) expect(text).toContain(part);
  });
});

test('the profile adds self time by function', () => {
  const node = (id: number, functionName: string) => ({
    id,
    callFrame: { functionName, scriptId: '1', url: 'file:///x/y.mjs', lineNumber: 4, columnNumber: 0 },
  });
  const profile = {
    nodes: [node(1, 'a'), node(2, 'b')],
    startTime: 0,
    endTime: 4,
    samples: [1, 2, 2],
    timeDeltas: [1, 1, 2],
  };
  expect(summaryOf(profile)).toEqual([' 75.0 %  b  y.mjs:5', ' 25.0 %  a  y.mjs:5']);
});

test('rows of Spark are read among its own lines', () => {
  const [one, two, three] = rowsOf(
    'WARN x\n{"name":"PIT join","value":2e6,"unit":"rows/s","goal":15e5}\n{"name":"peak","value":1,"unit":"MB","goal":null}\n{"name":"growth","value":1.3,"unit":"times","goal":1.2}',
  );
  expect(one).toMatchObject({ goal: 1_500_000, met: true });
  expect(two).toMatchObject({ goal: null, met: null });
  expect(three).toMatchObject({ goal: 1.2, met: false });
});

test("a peer's figures stand beside the rows of their unit only", () => {
  const found = beside([row('a', 1, 'µs', atMost(2), { p50: 1 }), row('b', 1, 'vectors/s')], 'µs', { Feast: 3 });
  expect(found.map((one) => one.beside)).toEqual([{ p50: 1, Feast: 3 }, {}]);
});

test('every event has its 200 bytes and an id of its own', () => {
  const records = recordsOf(linesOf({ events: 500, entities: 20_000 }));
  const ids = new Set(records.map(({ data }) => JSON.parse(Buffer.from(data).toString()).event_id));
  expect(ids.size).toBe(500);
  expect(new Set(records.map(({ data }) => data.length))).toEqual(new Set([EVENT_BYTES]));
});

describe('parts on a small size', () => {
  test('stream', async () => {
    const sizes = { events: 60, entities: 10, history: 2, batches: [7, 60], rounds: 1, growth: [1, 2] };
    const rows = await streamRows(sizes, quiet);
    good(rows);
    expect(rows).toHaveLength(4);
    expect(Object.keys(rows[0]!.beside)).toContain('JSON.parse of the same bytes');
  });

  test('read', async () => {
    good(await readRows({ entities: 5, history: 4, daily: 4, time_ms: 5 }, quiet));
  });

  test('growth', async () => {
    const rows = await growthRows({ events: 20, entities: 5, times: [1, 2], rounds: 1 }, quiet);
    good(rows);
    expect(rows).toHaveLength(1);
  });

  test('writes are the distinct entities of the batches, and lost ones are tried again', async () => {
    const rows = await writeRows({ entities: 3, batches: [1, 100], conflictEvery: 2 }, quiet);
    good(rows);
    expect(rows.map(({ met }) => met)).toEqual([true, true, true]);
    expect(rows[0]!.value).toBe(1000);
    expect(rows[1]!.value).toBeLessThan(200);
    expect(rows[2]!.beside['of them lost']).toBeGreaterThan(0);
  });

  test('state', async () => {
    const rows = await stateRows({ entities: 3, batches: [], conflictEvery: 0 }, quiet);
    good(rows);
    for (const one of rows.slice(0, 3)) expect(one.beside['JSON of the same state']).toBeGreaterThan(one.value);
  });
});
