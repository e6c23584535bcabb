/** What a user gives is read wholly and once, or refused by its name: every layout, packing and encoding, and folders. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readEntity } from '../../cli/commands/erase/command.ts';
import { objectOf } from '../../cli/input/event-line.ts';
import { checkWhole, inputFiles } from '../../cli/input/files.ts';
import { readLines } from '../../cli/input/lines.ts';
import { textOf } from '../../cli/input/text.ts';
import { JsonValues } from '../../core/intake/files/json-values.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-input-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, anything = false): Promise<[number, string][]> {
  const lines: [number, string][] = [];
  for await (const { number, bytes } of readLines(path, { anything })) lines.push([number, bytes.toString('latin1')]);
  return lines;
}

const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();
const BOM = '\ufeff';
const [A, B] = ['{"a":"ß 1"}', '{"b":[{},{"c":"}{"}]}'];
const both = [A, B].map((text) => Buffer.from(text).toString('latin1'));
const gz = (text: string | Uint8Array) => gzipSync(text);

describe('one way to read two records', () => {
  const cases: Record<string, string | Uint8Array> = {
    'lines.ndjson': `${A}\n${B}\n`,
    'no-last-end.jsonl': `${A}\n${B}`,
    'of-windows.json': `${A}\r\n${B}\r\n`,
    'of-an-old-mac.json': `${A}\r${B}\r`,
    'blank-lines.json': `\n\r\n${A}\n \t \n${B}\n\n`,
    'a-mark.json': `${BOM}${A}\n${B}\n`,
    'marks-inside.json': `${BOM}${A}\n${BOM}${B}\n`,
    'end-of-dos.json': `${A}\r\n${B}\r\n\u001a`,
    'utf-16le.json': Buffer.from(`${BOM}${A}\r\n${B}\r\n`, 'utf16le'),
    'utf-16be.json': utf16be(`${BOM}${A}\n${B}`),
    'utf-16le-unmarked.json': Buffer.from(`${A}\n${B}`, 'utf16le'),
    'utf-16be-unmarked.json': utf16be(`[${A},${B}]`),
    packed: gz(`${A}\n${B}\n`),
    'packed.JSON.GZ': gz(`${A}\n${B}`),
    'packed-with-another-name.ndjson': gz(`${A}\n${B}`),
    'plain-with-the-name-of-packed.ndjson.gz': `${A}\n${B}\n`,
    'members.gz': Buffer.concat([gz(`${A}\n`), gz(''), gz(`${BOM}${B}\n`)]),
    'a-member-ends-inside-of-a-line.gz': Buffer.concat([gz(A.slice(0, 4)), gz(`${A.slice(4)}\n${B}`)]),
    'padded.gz': Buffer.concat([gz(`${A}\n${B}`), Buffer.alloc(4096)]),
    'packed-utf-16.gz': gz(Buffer.from(`${BOM}[${A},\r\n${B}]`, 'utf16le')),
    'array.json': `[${A},${B}]`,
    'array-over-lines.json': ` [\r\n  ${A},\r\n  ${B}\r\n]\r\n`,
    'array-with-a-last-comma.json': `[${A},\n${B},\n]`,
    'array-packed.json.gz': gz(`${BOM}[${A}\n,${B}]\n`),
    'side-by-side.json': `${A}${B}`,
    'side-by-side-with-a-blank.json': `${A} ${B}\n`,
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    const path = file(name, cases[name]!);
    expect((await read(path)).map(([, text]) => text)).toEqual(both);
    expect(await checkWhole([path], readLines)).toBe(2);
  });

  test('written over several lines by a formatter', async () => {
    const [a, b] = [A, B].map((text) => JSON.stringify(JSON.parse(text), null, 2));
    for (const content of [`${a}\n${b}\n`, `${a}${b}`, `[${a},\n${b}]`, `${a}\r\n${b}`.replaceAll(/\r?\n/g, '\r\n')]) {
      const found = await read(file('formatted.json', content));
      expect(found.map(([, text]) => JSON.parse(Buffer.from(text, 'latin1').toString()))).toEqual(
        [A, B].map((text) => JSON.parse(text)),
      );
      expect(found.some(([, text]) => text.includes('\n'))).toBe(false);
    }
  });
});

test('lines keep their numbers and bytes, bad ones too', async () => {
  const bad = Buffer.concat([Buffer.from('{\n\n[1]\n{"a":"x\ry"}\n'), Buffer.from([0xff, 0x0a, 0xc3])]);
  expect(await read(file('bad.json', Buffer.concat([Buffer.from('{"ok":1}\n{}x{}\n'), bad])))).toEqual([
    [1, '{"ok":1}'],
    [2, '{}x{}'],
    [3, '{'],
    [5, '[1]'],
    [6, '{"a":"x\ry"}'.split('\r')[0]],
    [6, '{"a":"x\ry"}'.split('\r')[1]],
    [7, '\xff'],
    [8, '\xc3'],
  ]);
  const element = await read(file('element.json', '[{"a":1}, {oops}, 5, null, {"b":2}]'));
  expect(element).toEqual([
    [1, '{"a":1}'],
    [2, '{oops}'],
    [3, '5'],
    [4, 'null'],
    [5, '{"b":2}'],
  ]);
});

test('longer than any piece, records stay whole', async () => {
  const long = `{"x":"${'[}{"'.replaceAll('"', '\\"').repeat(60_000)}"}`;
  for (const text of [`${long}\n${A}`, `[${long},${A}]`, `${long}${A}`]) {
    const found = await read(file('long.json', text));
    expect(found.map(([, one]) => one)).toEqual([long, both[0]]);
    expect((await read(file('long.gz', gz(text)))).length).toBe(2);
  }
});

describe('refused by its name, before anything else is done', () => {
  const packed = gz(`${A}\n${B}\n`.repeat(50));
  const broken = Buffer.from(packed);
  broken[broken.length - 6]! ^= 1;
  const cases: Record<string, [string | Uint8Array, RegExp]> = {
    'cut.ndjson.gz': [packed.subarray(0, -9), /cut\.ndjson\.gz is gzip data that ends early/],
    'cut-in-its-second-member.gz': [Buffer.concat([packed, packed.subarray(0, 20)]), /ends early/],
    'only-a-header.gz': [packed.subarray(0, 10), /ends early/],
    'nothing.gz': ['', /nothing\.gz is empty/],
    'text-behind.gz': [Buffer.concat([packed, Buffer.from('more')]), /damaged, or has bytes behind its end/],
    'text-behind-padding.gz': [Buffer.concat([packed, Buffer.alloc(9), Buffer.from('m')]), /10 bytes behind its end/],
    'broken.gz': [broken, /damaged/],
    'twice.gz': [gz(packed), /packed by gzip twice/],
    'sheet.xlsx': [Buffer.from('PK\x03\x04rest'), /sheet\.xlsx is a zip archive/],
    'table.parquet': ['PAR1....', /is a Parquet file/],
    'packed.zst': [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1]), /is Zstandard data/],
    'utf-32.json': [Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]), /is UTF-32 text/],
    'half-a-character.json': [Buffer.concat([Buffer.from(`${BOM}${A}`, 'utf16le'), Buffer.from([1])]), /UTF-16LE text/],
    'table.csv': ['event_id,entity_id\na,b\n', /table\.csv has no JSON object in any of its 2 lines/],
    'open.json': [`[${A},${B}`, /array that does not end/],
    'cut.json': [`[${A},${B.slice(0, -2)}`, /array that does not end/],
    'two-arrays.json': [`[${A}]\n[${B}]`, /23 bytes behind the end of its JSON array/],
    'cut-object.json': ['{\n  "a": {\n', /ends inside of its JSON value 1/],
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    const [content, message] = cases[name]!;
    const path = file(name, content);
    await expect(checkWhole([path], readLines)).rejects.toThrow(message);
    await expect(checkWhole([path], readLines)).rejects.toThrow(name);
  });

  test('all of them at once', async () => {
    const paths = [file('1.gz', packed.subarray(0, -1)), file('fine.json', A), file('2.gz', packed.subarray(0, -1))];
    await expect(checkWhole(paths, readLines)).rejects.toThrow(/1\.gz is gzip.*\n.*2\.gz is gzip/);
  });

  test('a file without objects is read where anything is wanted', async () => {
    expect(await read(file('junk', 'oops\n'), true)).toEqual([[1, 'oops']]);
    expect(await read(file('empty.json', ''))).toEqual([]);
    expect(await read(file('empty.gz', gz('')))).toEqual([]);
  });
});

test('any pieces give the same values, and any records come back from every layout (property)', async () => {
  const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(object, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 40 }),
      async (all, size) => {
        const [lines, indented] = [
          all.map((one) => JSON.stringify(one)),
          all.map((one) => JSON.stringify(one, null, 1)),
        ];
        const layouts = [
          lines.join('\n'),
          lines.join('\r\n'),
          lines.join(''),
          `[${lines}]`,
          `[\n${indented.join(',\n')}\n]`,
        ];
        for (const layout of layouts) {
          for (const bytes of [layout, Buffer.from(`${BOM}${layout}`, 'utf16le'), gz(layout)]) {
            const found = await read(file('any', bytes));
            const values = found.map(([, text]) => JSON.parse(Buffer.from(text, 'latin1').toString()));
            expect(values).toEqual(lines.map((line) => JSON.parse(line)));
          }
        }
        const text = Buffer.from(lines.join(''));
        const [whole, pieces] = [new JsonValues(false), new JsonValues(false)];
        const cut: string[] = [];
        for (let at = 0; at < text.length; at += size)
          for (const value of pieces.take(text.subarray(at, at + size))) cut.push(value.bytes.toString());
        expect(cut).toEqual([...whole.take(text)].map(({ bytes }) => bytes.toString()));
      },
    ),
    { numRuns: 60 },
  );
});

test('a cut anywhere in packed data is noticed (property)', async () => {
  const packed = gz(`${A}\n${B}\n`.repeat(20));
  for (let length = 1; length < packed.length; length++) {
    const consumed = (async () => {
      // One byte of a header is no gzip yet: then no record is one.
      for await (const _ of readLines(file('cut', packed.subarray(0, length))));
    })();
    await expect(consumed).rejects.toThrow(/cut (is gzip data that ends early|has no JSON object)/);
  }
});

describe('which files are meant', () => {
  const names = async (...given: string[]) =>
    (await inputFiles(given.map((name) => (name === '-' ? name : join(folder, 'tree', name))))).map((path) =>
      path === '-' ? path : relative(join(folder, 'tree'), path),
    );
  beforeAll(() => {
    for (const path of ['tree/day=2/more', 'tree/day=1', 'tree/none'])
      mkdirSync(join(folder, path), { recursive: true });
    const all = [
      'b.json',
      'a.ndjson.gz',
      '_SUCCESS',
      '.b.crc',
      'day=1/c',
      'day=2/more/d.jsonl',
      'day=2/_skipped',
      'x [1].json',
    ];
    for (const name of all) file(`tree/${name}`, A);
    symlinkSync(join(folder, 'tree'), join(folder, 'tree/day=1/back'));
    symlinkSync(join(folder, 'tree/b.json'), join(folder, 'tree/day=1/same.json'));
  });

  test.each([
    [['.'], ['a.ndjson.gz', 'b.json', 'day=1/c', 'day=2/more/d.jsonl', 'x [1].json']],
    [
      ['day=2', 'b.json', '-', 'day=2/more/d.jsonl', '-'],
      ['day=2/more/d.jsonl', 'b.json', '-'],
    ],
    [
      ['b.json', 'day=1'],
      ['b.json', 'day=1/back/a.ndjson.gz', 'day=1/back/day=2/more/d.jsonl', 'day=1/back/x [1].json', 'day=1/c'],
    ],
    [['*.json'], ['b.json', 'x [1].json']],
    [['x [1].json'], ['x [1].json']],
    [['day=?/c'], ['day=1/c']],
    [['**/*.jsonl'], ['day=2/more/d.jsonl']],
    [['day=2/**'], ['day=2/more/d.jsonl']],
    [['_SUCCESS'], ['_SUCCESS']],
    [['_*'], ['_SUCCESS']],
  ])('%j', async (given, expected) => {
    expect(await names(...given)).toEqual(expected);
  });

  test.each([
    ['no.json', /no\.json does not exist: give the path/],
    ['b.json/c', /does not exist/],
    ['none', /none has no files of events/],
    ['*.csv', /\*\.csv matches no file/],
  ])('%s: named', async (given, message) => {
    await expect(names('b.json', given)).rejects.toThrow(message);
  });
});

test.each([
  ['{"entity_id":"a"}', { object: { entity_id: 'a' } }],
  [`{"entity_id":"${'🧺'.repeat(256)}"}`, { object: { entity_id: '🧺'.repeat(256) } }],
  ['{"entity_id":5}', { reason: 'MISSING_ENTITY', detail: expect.stringContaining('of type number; allowed') }],
  ['{"__proto__":{"entity_id":"a"}}', { reason: 'MISSING_ENTITY', detail: expect.stringContaining('undefined') }],
  ['[1]', { reason: 'NOT_AN_OBJECT', detail: 'is an array, not a JSON object' }],
  ['null', { reason: 'NOT_AN_OBJECT', detail: 'is null, not a JSON object' }],
  ['{"entity_id":', { reason: 'MALFORMED_JSON', detail: 'is not JSON' }],
])('an object with an entity: %s', (line, expected) => {
  expect(objectOf(Buffer.from(line))).toEqual(expected);
});

test('text is given on in pieces, not held', async () => {
  let pieces = 0;
  for await (const _ of textOf(file('big.gz', gz(`${A}\n`.repeat(100_000))))) pieces++;
  expect(pieces).toBeGreaterThan(10);
});

describe('whom to erase, from a file', () => {
  test.each([
    ['one line', 'anna-1\n', 'anna-1'],
    ['without its end', 'anna 1', 'anna 1'],
    ['of PowerShell', Buffer.from(`${BOM}ännä\r\n`, 'utf16le'), 'ännä'],
    ['digits alone', '42\n', '42'],
  ])('%s', async (name, content, id) => {
    expect(await readEntity(file(`${name}.txt`, content))).toBe(id);
  });

  test.each([
    ['none', '\n', /found 0 lines; allowed is one/],
    ['two', 'anna\nbert\n', /found 2 lines; allowed is one/],
    // As U+FFFD it would be another id, of which nothing is left anywhere.
    ['latin-1', Buffer.from('änna\n', 'latin1'), /is not valid UTF-8/],
  ])('%s is refused', async (name, content, message) => {
    await expect(readEntity(file(`${name}.txt`, content))).rejects.toThrow(message);
  });
});
