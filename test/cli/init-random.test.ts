/** Random tables: what is written admits every row that was looked at, or says which not; and rows are events in every format alike. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { checked } from '../../cli/commands/init/check.ts';
import { planOf } from '../../cli/commands/init/plan.ts';
import { profileOf } from '../../cli/commands/init/profile/profile.ts';
import { rolesOf } from '../../cli/commands/init/roles.ts';
import { eventsFile, sourcesFile } from '../../cli/commands/init/write/contracts.ts';
import { viewOf } from '../../cli/commands/init/write/features.ts';
import { indexFile, labelFile, modelFile } from '../../cli/commands/init/write/learning.ts';
import { refusals } from '../../cli/commands/init/write/readme.ts';
import { loadDefinitions } from '../../cli/definitions.ts';
import { run } from '../../cli/main.ts';
import { PYTHON } from '../../cli/paths.ts';

let folder: string;
let cases = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-random-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  jest.restoreAllMocks();
});

const NOTHING = fc.constantFrom('', 'NA', 'null', 'N/A', '-');
const digits = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String);
/** What a column of a CSV may hold; some kinds are as people write them, some as nobody should. */
const CELLS: readonly fc.Arbitrary<string>[] = [
  fc.integer().map(String),
  fc.integer({ min: 0, max: 1 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer({ min: -99_999, max: 99_999 }).map((cents) => (cents / 100).toFixed(2)),
  digits,
  fc.constantFrom('red', 'Green', ' blue ', "it's", '"quoted"', 'back\\slash'),
  fc.constantFrom('true', 'false', 'TRUE'),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }).map((date) => date.toISOString()),
  fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  fc.constantFrom('1,234.50', '$ 3.00', '12%', '1e400', '-0', '.5', '007'),
];

const column = fc.tuple(
  fc.oneof(fc.constantFrom('amount', 'customer id', 'rate', 'class', 'zip', 'when'), fc.string({ maxLength: 12 })),
  fc.constantFrom(...CELLS, fc.oneof(...CELLS)),
  fc.constantFrom(0, 0, 20, 100),
);
const table = fc
  .uniqueArray(column, { minLength: 1, maxLength: 6, selector: ([name]) => name.trim() })
  .chain((columns) =>
    fc.record({
      names: fc.constant(columns.map(([name]) => name)),
      rows: fc.array(
        fc.tuple(
          ...columns.map(([, cell, missing]) =>
            fc.oneof({ weight: 100 - missing, arbitrary: cell }, { weight: missing, arbitrary: NOTHING }),
          ),
        ),
        { minLength: 1, maxLength: 60 },
      ),
    }),
  );

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
/** Names that stand for values or for a role would only be refused. */
const named = (name: string, i: number) =>
  /[\0\r\n]|^[-+\d.,:/ TZ]*$|^(who|at|__proto__|constructor|prototype)$/.test(name) ? `c${i}x` : name.trim();

async function tried(path: string) {
  const profile = await profileOf([path], () => {});
  const roles = await rolesOf(profile, { entity: 'who', time: 'at', id: 'none', timeZone: 'UTC' }, 'row', null);
  const plan = planOf(profile, roles, { useCase: 'random', eventType: 'row', source: 'rows' }, null);
  const view = viewOf(plan);
  const usecase = mkdtempSync(join(folder, 'case-'));
  const write = (name: string, text: string) => writeFileSync(join(usecase, name), text);
  write('events.ts', eventsFile(plan));
  write('sources.ts', sourcesFile(plan));
  write('features.ts', view.file);
  if (plan.learning) write('label.ts', labelFile(plan));
  if (plan.learning) write('model.ts', modelFile(plan, view));
  write('index.ts', indexFile(plan));
  const { ir } = await loadDefinitions(usecase);
  return { plan, result: await checked([path], ir, 'rows', () => {}) };
}

test('the contract of a random table admits all of its rows', async () => {
  await fc.assert(
    fc.asyncProperty(table, async ({ names, rows }) => {
      const path = join(folder, `${++cases}.csv`);
      const header = ['who', 'at', ...names.map(named)];
      const unique = header.map((name, i) => (header.indexOf(name) < i ? `${name}${i}` : name));
      const lines = rows.map((cells, i) => [`w${i % 3}`, new Date(i * 86_400_000).toISOString(), ...cells]);
      writeFileSync(path, [unique, ...lines].map((line) => `${line.map(quoted).join(',')}\n`).join(''));
      const { plan, result } = await tried(path);
      expect(refusals(result, plan)).toEqual([]);
      expect(result.events).toBe(rows.length);
      expect(result.vectors.length).toBe(Math.min(3, rows.length));
    }),
    { numRuns: 60 },
  );
});

/** In the test's own words what each format holds of the same facts. */
const FACTS = Array.from({ length: 120 }, (_, i) => ({
  order_id: `o-${i}`,
  customer: `0${i % 7}`,
  at: new Date(Date.UTC(2026, 0, 1) + i * 40_000_000).toISOString(),
  amount: ((i * 737) % 5000) / 100,
  paid: i % 3 === 0,
  channel: i % 4 === 0 ? null : ['web', 'store'][i % 2]!,
}));

const TO_PARQUET = `
import json, sys
import pyarrow as pa, pyarrow.parquet as pq
rows = [json.loads(line) for line in open(sys.argv[1])]
table = pa.Table.from_pylist(rows)
at = pa.array([row['at'] for row in rows]).cast(pa.timestamp('ms', 'UTC'))
pq.write_table(table.set_column(table.schema.get_field_index('at'), 'at', at), sys.argv[2])
`;

describe('the same facts in four formats', () => {
  const at = (name: string) => join(folder, name);
  let out = '';

  const tidemark = async (...args: readonly string[]) => {
    out = '';
    const take = (part: unknown) => {
      out += part;
      return true;
    };
    jest.spyOn(process.stdout, 'write').mockImplementation(take);
    jest.spyOn(console, 'error').mockImplementation(() => {});
    jest.spyOn(console, 'log').mockImplementation(() => {});
    jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
    await run(['node', 'tidemark', ...args]);
    jest.restoreAllMocks();
    return out;
  };

  beforeAll(async () => {
    const cell = (value: unknown) => (value === null ? '' : String(value));
    const csv = [Object.keys(FACTS[0]!), ...FACTS.map((fact) => Object.values(fact).map(cell))];
    writeFileSync(at('facts.csv'), csv.map((line) => `${line.join(';')}\r\n`).join(''));
    writeFileSync(at('facts.ndjson'), FACTS.map((fact) => `${JSON.stringify(fact)}\n`).join(''));
    writeFileSync(at('facts.json'), JSON.stringify(FACTS, null, 2));
    const made = spawnSync(PYTHON, ['-c', TO_PARQUET, at('facts.ndjson'), at('facts.parquet')], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
    await tidemark('init', 'facts', '--from', at('facts.csv'), '--out', folder);
    const queries = FACTS.map(({ customer }, i) => ({ entity_id: customer, t: `2026-0${1 + (i % 3)}-15T00:00:00Z` }));
    writeFileSync(at('queries.ndjson'), queries.map((query) => `${JSON.stringify(query)}\n`).join(''));
  });

  const vectors = (events: string, ...more: readonly string[]) => {
    const files = ['--events', at(events), '--queries', at('queries.ndjson')];
    return tidemark('features', 'eval', '--usecase', at('facts'), ...files, ...more);
  };

  test('gives the same vectors, and those of the events that producers would send', async () => {
    const events = FACTS.map(({ order_id, customer, at: event_time, amount, paid, channel }) => ({
      ...{ event_id: `facts:${order_id}`, entity_id: customer, event_type: 'fact', event_time, source: 'facts' },
      ...{ schema_version: 1, properties: { amount: amount.toFixed(2), paid, channel } },
    }));
    writeFileSync(at('events.ndjson'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    const expected = await vectors('events.ndjson');
    expect(expected.split('\n').filter((line) => line !== '')).toHaveLength(FACTS.length);
    expect(JSON.parse(expected.split('\n')[1]!).features).toMatchObject({
      facts: expect.any(Number),
      paid_7d: expect.any(Number),
    });
    for (const name of ['facts.csv', 'facts.ndjson', 'facts.json', 'facts.parquet'])
      expect(await vectors(name, '--source', 'facts')).toBe(expected);
  });

  test('has the same history to load, whichever it is', async () => {
    const { eventReader, rowsSource } = await import('../../cli/input/rows/events.ts');
    const { ir } = await loadDefinitions(at('facts'));
    const read = eventReader(rowsSource(ir, 'facts'), ir.contracts);
    const eventsOf = async (name: string) => {
      const found: unknown[] = [];
      for await (const line of read(at(name))) {
        const { properties, ...envelope } = JSON.parse((line as { bytes: Buffer }).bytes.toString());
        found.push({
          ...envelope,
          amount: Number(properties.amount),
          paid: properties.paid,
          channel: properties.channel,
        });
      }
      return found;
    };
    const expected = await eventsOf('facts.csv');
    expect(expected).toHaveLength(FACTS.length);
    for (const name of ['facts.ndjson', 'facts.json', 'facts.parquet']) expect(await eventsOf(name)).toEqual(expected);
  });

  test('a source that is none is refused by the names of those that are', async () => {
    await expect(vectors('facts.csv', '--source', 'other')).resolves.toBe('');
    expect(process.exitCode).toBe(2);
    process.exitCode = 0;
    expect(readFileSync(at('facts/sources.ts'), 'utf8')).toContain("source('facts'");
  });
});
