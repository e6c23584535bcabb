/** Rows of files as strangers send them: one reader, whatever the file is. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TextCounts } from '../../cli/input/rows/counts.ts';
import { readRows } from '../../cli/input/rows/read.ts';
import { PYTHON } from '../../cli/paths.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-rows-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
/** Names lie: the content decides. */
function file(content: string | Buffer): string {
  const path = join(folder, `${++files}.dat`);
  writeFileSync(path, content);
  return path;
}

async function read(path: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const row of readRows(path)) found.push('reason' in row ? `${row.reason} ${row.detail}` : row.values);
  return found;
}

const TWO = [
  { id: '007', note: 'a, b' },
  { id: '8', note: null },
];

describe('a CSV', () => {
  test.each([
    ['as RFC 4180 has it', 'id,note\r\n007,"a, b"\r\n8,\r\n'],
    ['with a byte order mark, and no line end at its end', '\ufeffid,note\n007,"a, b"\n8,'],
    ['of semicolons', 'id;note\n007;a, b\n8;\n'],
    ['of tabs', 'id\tnote\n007\ta, b\n8\t\n'],
    ['of bars, with blanks and blank lines', '\n\nid | note\n\n 007 | a, b\n8|   \n\n'],
    ['of a Mac of old', 'id,note\r007,"a, b"\r8,\r'],
    ['in quotes all over', '"id","note"\n"007","a, b"\n"8",""\n'],
  ])('%s', async (_, text) => {
    expect(await read(file(text))).toEqual(TWO);
  });

  test('packed, or in UTF-16', async () => {
    expect(await read(file(gzipSync('id,note\n007,"a, b"\n8,\n')))).toEqual(TWO);
    expect(await read(file(Buffer.from('\ufeffid,note\n007,"a, b"\n8,\n', 'utf16le')))).toEqual(TWO);
  });

  test('with columns that blanks set apart', async () => {
    expect(await read(file('  id  date  n\n 007 20260304   1\n\n 8   20260305  22'))).toEqual([
      { id: '007', date: '20260304', n: '1' },
      { id: '8', date: '20260305', n: '22' },
    ]);
  });

  test('keeps quotes, line ends and separators in a field, and its place by its line', async () => {
    const rows = [];
    for await (const row of readRows(file('id,note\n1,"say ""hi""\nthere"\n2,x\n'))) rows.push(row);
    expect(rows).toMatchObject([
      { number: 1, values: { id: '1', note: 'say "hi"\nthere' } },
      { number: 2, place: expect.stringMatching(/:4$/), values: { id: '2', note: 'x' } },
    ]);
  });

  test('keeps a quote that stands inside of a field', async () => {
    expect(await read(file('id,note\n1,5" pipe\n'))).toEqual([{ id: '1', note: '5" pipe' }]);
  });

  test('says which rows are ragged, and goes on', async () => {
    expect(await read(file('a,b\n1,2\n3\n4,5,6\n7,8\n'))).toEqual([
      { a: '1', b: '2' },
      'INVALID_ENVELOPE found 1 values; allowed: 2, a value for each column',
      'INVALID_ENVELOPE found 3 values; allowed: 2, a value for each column',
      { a: '7', b: '8' },
    ]);
  });

  test.each([
    ['that never ends', 'id,note\n1,"open\n2,x\n3,"y"\n'],
    ['within quotes', 'id,note\n1,"a "b" c"\n2,x\n3,y\n'],
  ])('says where a quote is %s, and goes on', async (_, text) => {
    expect(await read(file(text))).toEqual([
      expect.stringMatching(/^INVALID_ENVELOPE found a quote that is not closed before a delimiter/),
      { id: '2', note: 'x' },
      { id: '3', note: 'y' },
    ]);
  });

  test('may have any name for a column', async () => {
    const header = ['toString', 'größe', '订单', 'class', 'with space', 'a"b'];
    const [row] = await read(file(`${header.map((name) => `"${name.replace('"', '""')}"`).join(',')}\n1,2,3,4,5,6\n`));
    expect(Object.keys(row as object)).toEqual(header);
  });

  test.each([
    ['a column twice', 'id,amount,amount\n1,2,3\n', 'has the column "amount" twice: rename one in its first line'],
    ['a name that no record may hold', 'id,__proto__\n1,2\n', 'has a column __proto__, a name that no record may hold'],
    ['no header', '1,2026-03-04,19.90\n2,2026-03-05,5\n', 'has values where the names of its columns should be'],
    [
      'a quote in its header that never ends',
      'id,"note\n1,2\n',
      'has no header that can be read: line 1: found a quote',
    ],
    ['another encoding', Buffer.from('id,name\n1,caf\xe9\n', 'latin1'), 'is not UTF-8 in line 2: save it'],
    ['nothing', '', 'is empty: give a file with rows'],
    ['nothing but blanks', ' \n\n', 'is empty'],
    ['a picture', Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(64)]), 'is not UTF-8'],
    ['zeros', Buffer.from('a\0b,c\n1,2\n'), 'is binary data'],
    ['a workbook', Buffer.from('PK\x03\x04rest of it'), 'is a zip archive (an Excel workbook is one, too)'],
  ])('with %s is refused by its name', async (_, content, message) => {
    const path = file(content);
    await expect(read(path)).rejects.toThrow(message);
    await expect(read(path)).rejects.toThrow(path);
  });
});

describe('JSON', () => {
  const rows = [{ id: 1, at: { city: 'Bern' } }, { id: 2 }];
  test.each([
    ['lines', rows.map((row) => JSON.stringify(row)).join('\n')],
    ['an array', JSON.stringify(rows)],
    ['an array, written over several lines', JSON.stringify(rows, null, 2)],
  ])('in %s', async (_, text) => {
    expect(await read(file(text))).toEqual(rows);
  });

  test('says which lines are no objects, and goes on', async () => {
    expect(await read(file('{"id": 1}\n{"id": \n[2]\n{"id": 3}\n'))).toEqual([
      { id: 1 },
      'MALFORMED_JSON found no JSON in UTF-8; allowed: an object',
      'NOT_AN_OBJECT found array; allowed: an object',
      { id: 3 },
    ]);
  });
});

const PARQUET = `
import datetime as dt, decimal, sys
import pyarrow as pa, pyarrow.parquet as pq
zone = dt.timezone(dt.timedelta(hours=2))
table = pa.table({
  'id': pa.array([7, 2**60], pa.int64()),
  'amount': pa.array([decimal.Decimal('19.90'), None], pa.decimal128(12, 2)),
  'float': pa.array([29.330000000000002, float('nan')]),
  'single': pa.array([0.1, 2.0], pa.float32()),
  'at': pa.array([dt.datetime(2026, 3, 4, 9, 30, tzinfo=zone), None], pa.timestamp('us', 'Europe/Paris')),
  'nanos': pa.array([1772616600123456789, None], pa.timestamp('ns')),
  'day': pa.array([dt.date(2026, 3, 4), None]),
  'flag': pa.array([True, None]),
  'kind': pa.array(['a', 'b']).dictionary_encode(),
  'nested': pa.array([{'city': 'Bern', 'tags': ['x']}, None]),
  'raw': pa.array([b'\\x00\\xff', None]),
})
for codec in ('snappy', 'zstd', 'gzip', 'none'):
    pq.write_table(table, sys.argv[1] + codec, compression=codec)
`;

describe('Parquet', () => {
  beforeAll(() => {
    const { status, stderr } = spawnSync(PYTHON, ['-c', PARQUET, join(folder, 'table-')], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  });

  test.each(['snappy', 'zstd'])('of codec %s, with what JSON has no word for as text', async (codec) => {
    expect(await read(join(folder, `table-${codec}`))).toEqual([
      {
        ...{ id: 7, amount: '19.90', float: '29.330000000000002', single: 0.1, at: '2026-03-04T07:30:00Z' },
        ...{ nanos: '2026-03-04T09:30:00.123456', day: '2026-03-04', flag: true, kind: 'a', raw: '00ff' },
        nested: { city: 'Bern', tags: ['x'] },
      },
      {
        ...{ id: '1152921504606846976', amount: null, float: null, single: 2, at: null, nanos: null, day: null },
        ...{ flag: null, kind: 'b', nested: null, raw: null },
      },
    ]);
  });

  test('that is cut is refused by its name', async () => {
    await expect(read(file('PAR1 and then nothing'))).rejects.toThrow("can't be read as Parquet: ArrowInvalid");
  });
});

test('equal texts are counted, however many there are', () => {
  const counts = new TextCounts();
  for (let i = 0; i < 5000; i++) expect(counts.add(`row ${i}`)).toBe(0);
  for (let i = 0; i < 5000; i += 7) expect([counts.add(`row ${i}`), counts.add(`row ${i}`)]).toEqual([1, 2]);
});
