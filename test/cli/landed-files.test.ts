/** The file that `init` looked at gives the same events by `history load --source` as where it lands in S3. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { expect, jest, test } from '@jest/globals';
import { loadDefinitions } from '../../cli/definitions.ts';
import { eventReader, rowsSource } from '../../cli/input/rows/events.ts';
import { rowReader } from '../../core/intake/files/index.ts';
import { compileSource } from '../../core/intake/intake.ts';
import { CARRIAGE_OPTIONS } from '../../core/ir/source-options.ts';
import { takeRows } from '../../engine/intake/take-rows.ts';
import { contentOf } from '../../lambdas/intake-files/content.ts';
import { day, folder, init, many } from './init-support.ts';

interface Given {
  readonly events: string[];
  /** Reasons. */
  readonly refused: string[];
}

async function landed(name: string, usecase: string): Promise<{ loaded: Given; taken: Given; via: unknown }> {
  const path = join(folder, name);
  const { ir } = await loadDefinitions(usecase);
  const source = rowsSource(ir, ir.sources![0]!.name);
  const loaded: Given = { events: [], refused: [] };
  for await (const line of eventReader(source, ir.contracts)(path)) {
    if ('reason' in line) loaded.refused.push(line.reason);
    else loaded.events.push(line.bytes.toString());
  }
  const taken: Given = { events: [], refused: [] };
  const options = CARRIAGE_OPTIONS.files.parse(source.via[0]!.options);
  const s3 = new S3Client({ region: 'us-east-1' });
  jest.spyOn(s3, 'send').mockImplementation(async () => ({ Body: createReadStream(path) }));
  await takeRows(
    rowReader(options)(contentOf(s3, { bucket: 'b', key: name })),
    { name: source.name, carriage: 'files', intake: compileSource(source, ir.contracts) },
    { received_ms: 0, carriage: 'files' },
    {
      stream: {
        put: async (records) => {
          for (const { data } of records) taken.events.push(...Buffer.from(data).toString().split('\n'));
          return records.map(() => true);
        },
      },
      refuse: async (refused) => void taken.refused.push(...refused.map(({ reason }) => reason)),
      erase: async () => {},
      gaps: async () => {},
    },
    { copies: true, onTaken: () => {} },
  );
  return { loaded, taken, via: source.via[0]!.options };
}

/** No row has an id, some are equal, some are none; texts have quotes, separators and line ends. */
const ROWS = many(60, (i) => ({
  user: `u${i % 7}`,
  time: day(i % 50),
  amount: i % 9 === 0 ? null : (i % 50) * 1.25,
  note: i % 5 === 0 ? null : `say "${i % 50}", or; so\nand |`,
}));
const cell = (value: unknown) => (value === null ? '' : `"${String(value).replaceAll('"', '""')}"`);
const table = (delimiter: string, end: string) => {
  const lines = [Object.keys(ROWS[0]!), ...ROWS.map((row) => Object.values(row).map(cell))];
  lines.splice(9, 0, ['"u1"', '2026-01-01T00:00:00Z'], ['u2', '"open', '1', ''], ['""', '', '', '']);
  return lines.map((one) => `${one.join(delimiter)}${end}`).join('');
};
const json = ROWS.map((row) => JSON.stringify(row));

test.each<[string, string | Buffer, object, number]>([
  ['a.csv', table(',', '\n'), { format: 'csv', delimiter: ',' }, 3],
  ['b.csv', `\ufeff${table(';', '\r\n')}`, { format: 'csv', delimiter: ';' }, 3],
  ['c.tsv', table('\t', '\r'), { format: 'csv', delimiter: '\t' }, 3],
  ['d.csv.gz', gzipSync(table('|', '\n')), { format: 'csv', delimiter: '|' }, 3],
  ['e.ndjson', `${[...json, '{"user":', '[1]'].join('\n')}\n`, { format: 'ndjson' }, 2],
  ['f.json', `[${[...json, '{oops}'].join(',\n')}]`, { format: 'json' }, 1],
  ['g.json', ROWS.map((row) => JSON.stringify(row, null, 2)).join('\n'), { format: 'json' }, 0],
  ['h.json', json.join(''), { format: 'json' }, 0],
])('%s', async (name, content, format, refused) => {
  const { code, usecase } = await init(name, content, '--id', 'none');
  expect(code).toBe(0);
  const { loaded, taken, via } = await landed(name, usecase);
  expect(via).toMatchObject(format);
  expect(loaded.events).toHaveLength(60);
  expect(new Set(loaded.events.map((event) => (JSON.parse(event) as { event_id: string }).event_id)).size).toBe(60);
  expect(taken.events.sort()).toEqual(loaded.events.sort());
  expect(loaded.refused).toHaveLength(refused);
  expect(taken.refused.sort()).toEqual(loaded.refused.sort());
});

test('UTF-16, which a landed file is not read of, is said', async () => {
  const { code, file } = await init('wide.csv', Buffer.from(`\ufeff${table(',', '\n')}`, 'utf16le'), '--id', 'none');
  expect(code).toBe(0);
  expect(file('sources.ts')).toContain(
    'Of landed files rows are read as JSON or CSV in UTF-8; yours were of another kind.',
  );
});

test('a row with a number and without an id is another event in another format, and the README says so', async () => {
  const ids = async (name: string, content: string) => {
    const { usecase, file } = await init(name, content, '--id', 'none');
    expect(file('README.md')).toContain('in a file of another format it may be another one');
    const { loaded } = await landed(name, usecase);
    const events = loaded.events.map(
      (event) => JSON.parse(event) as { event_id: string; properties: { amount?: string } },
    );
    return new Map(events.map(({ event_id, properties }) => [event_id.split(':')[1], properties.amount]));
  };
  const [of, text] = [await ids('z.ndjson', json.join('\n')), await ids('z.csv', table(',', '\n'))];
  const shared = [...of].filter(([id]) => text.has(id)).map(([, amount]) => amount ?? null);
  expect(shared).toEqual(Array(7).fill(null));
});
