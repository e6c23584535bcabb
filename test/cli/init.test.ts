/** `tidemark init`: from a stranger's file to a use case, by the command line in this process. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import ts from 'typescript';
import { run } from '../../cli/main.ts';
import { oneSentenceALine } from '../../docs/generate/sentences.ts';

let folder: string;
let cases = 0;
/** In this package, where what is written finds `tidemark`, and the formatter its rules. */
beforeAll(() => {
  mkdirSync('.cache', { recursive: true });
  folder = mkdtempSync(resolve('.cache', 'init-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  jest.restoreAllMocks();
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** A file that was written; empty where there is none. */
  readonly file: (name: string) => string;
}

async function tidemark(...args: readonly string[]): Promise<Omit<Ended, 'file'>> {
  let [out, err] = ['', ''];
  jest.spyOn(process.stdout, 'write').mockImplementation((part) => {
    out += part;
    return true;
  });
  jest.spyOn(console, 'log').mockImplementation((line) => {
    out += `${line}\n`;
  });
  jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  jest.spyOn(console, 'error').mockImplementation((line) => {
    err += `${line}\n`;
  });
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await run(['node', 'tidemark', ...args]);
    return { code: Number(process.exitCode), out, err: err.replaceAll(`${folder}/`, '') };
  } finally {
    process.exitCode = before;
    jest.restoreAllMocks();
  }
}

/** @param name of the file */
async function init(name: string, content: string, ...options: readonly string[]): Promise<Ended> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const usecase = `case_${++cases}`;
  const ended = await tidemark('init', usecase, '--from', path, '--out', folder, ...options);
  const at = (file: string) => join(folder, usecase, file);
  return { ...ended, file: (file) => (existsSync(at(file)) ? readFileSync(at(file), 'utf8') : '') };
}

const csv = (header: string, rows: readonly string[]) => `${header}\n${rows.join('\n')}\n`;
const many = (count: number, row: (i: number) => string) => Array.from({ length: count }, (_, i) => row(i));
const day = (i: number) => new Date(Date.UTC(2026, 0, 1 + (i % 200), i % 24)).toISOString();

const ORDERS = csv(
  'Order ID,customer_id,orderedAt,Amount,qty,channel,gift,zip,email,comment',
  many(
    300,
    (i) =>
      `${1000 + i},${String(i % 40).padStart(5, '0')},${day(i)},${(i * 7) % 100}.${10 + (i % 90)},${1 + (i % 5)},${i % 3 === 0 ? 'store' : 'web'},${i % 4 === 0 ? 'yes' : 'no'},0${8000 + (i % 50)},c${i % 40}@example.com,${i % 10 === 0 ? 'NA' : `note ${i}`}`,
  ),
);

describe('a file of orders', () => {
  let ended: Ended;
  beforeAll(async () => {
    ended = await init('orders.csv', ORDERS);
  });

  test('becomes a use case without a question', () => {
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toContain('A row is about customer_id (guessed).');
    expect(ended.out).toContain('It happened at orderedAt (guessed), written as iso8601.');
    expect(ended.out).toContain('The id of a row is Order ID. (guessed)');
  });

  test('has a contract of what was seen', () => {
    const events = ended.file('events.ts');
    expect(events).toContain("export const order = contract('order', 1, {");
    expect(events).toContain('amount: field.decimal(2, { min: 0, max: 100_000 }),');
    expect(events).toContain('qty: field.int({ min: 0, max: 100 }),');
    expect(events).toContain("channel: field.enum(['store', 'web']),");
    expect(events).toContain('gift: field.bool(),');
    expect(events).toContain('zip: field.string({ maxLength: 16 }),');
    expect(events).not.toMatch(/email|Order|customer/);
  });

  test('keeps what looks personal out, and says so', () => {
    expect(ended.out).toContain('email is left out: it looks personal.');
    expect(ended.file('README.md')).toContain('Personal: `email`.');
    expect(ended.file('sources.ts') + ended.file('features.ts')).not.toContain('email');
  });

  test('prints vectors by the engine that serves them', () => {
    // The customer of rows 0, 40, … 280: orders of 2026-01-01 to -07-01, the last on day 280 − 200 = 80.
    const [first] = ended.out.split('\n\n').filter((part) => part.includes('customer 00000 at'));
    expect(first).toContain('after 8 events:');
    expect(first).toMatch(/orders +8$/m);
    expect(first).toMatch(/different_zip +5/);
    expect(first).toMatch(/last_amount +\d+ {2}\(10\^-2\)$/m);
  });

  test('is not written over', async () => {
    const again = await tidemark('init', `case_${cases}`, '--from', join(folder, 'orders.csv'), '--out', folder);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('is there already: give another name') });
    expect(readdirSync(folder).filter((name) => name.startsWith('.init-'))).toEqual([]);
  });
});

describe('what can not be seen is asked, and elsewhere said in a sentence', () => {
  const local = csv('user,time,n', ['a,2026-03-04 09:30,1', 'b,2026-03-05 10:30,2', 'a,2026-03-06 10:30,2']);
  const slashes = (last: string) => csv('user,date,n', ['a,03/04/2026,1', 'b,05/04/2026,2', `a,${last},3`]);

  test('a time zone', async () => {
    expect(await init('e.csv', local)).toMatchObject({
      code: 2,
      err: 'time has times without a zone: say where their clock is at home, such as --time-zone Europe/London or --time-zone UTC.\n',
    });
    const { out, file } = await init('e.csv', local, '--time-zone', 'America/New_York');
    expect(out).toContain('written as iso8601, by the clock of America/New_York');
    expect(file('sources.ts')).toContain("timeZone: 'America/New_York'");
    // The last one: 10:30 there is 15:30 in Greenwich.
    expect(out).toContain('a at 2026-03-06T15:30:01.000Z');
    expect((await init('e.csv', local, '--time-zone', 'Mars/Base')).err).toContain('IANA time zone database');
  });

  test('the order of days and months, where no date tells it', async () => {
    const zone = ['--time-zone', 'UTC'];
    expect((await init('e.csv', slashes('06/04/2026'), ...zone)).err).toBe(
      'date has dates such as 03/04/2026, which may be April or March: say --dates day-first or --dates month-first.\n',
    );
    const american = await init('e.csv', slashes('06/04/2026'), ...zone, '--dates', 'month-first');
    expect(american.file('sources.ts')).toContain("format: 'MM/dd/yyyy'");
    expect(american.out).toContain('at 2026-06-04T00:00:01.000Z');
    const told = await init('e.csv', slashes('31/03/2026'), ...zone);
    expect(told.file('sources.ts')).toContain("format: 'dd/MM/yyyy'");
  });

  test('columns that nothing points to, and those that are not there', async () => {
    const plain = csv('a,b', ['x,2026-03-04T09:30:00Z', 'y,2026-03-04T09:31:00Z', 'x,2026-03-04T09:32:00Z']);
    expect((await init('e.csv', plain)).err).toBe(
      'No column looks like whom a row is about: name it by --entity <column>; there are a, b.\n',
    );
    expect((await init('e.csv', plain, '--entity', 'c')).err).toBe(
      '--entity: found no column of this name; allowed: a, b.\n',
    );
    expect((await init('e.csv', csv('user,b', ['x,1', 'y,2']))).err).toBe(
      'No column looks like when something happened: name it by --time <column>; there are user, b.\n',
    );
    expect((await init('e.csv', csv('user,b', ['x,soon', 'y,later']), '--time', 'b')).err).toContain(
      'b has no times that are spelled alike: write them as 2026-03-04T09:30:00Z',
    );
    expect((await init('e.csv', plain, '--entity', 'A')).code).toBe(0);
  });

  test('names that can be none', async () => {
    expect((await init('e.csv', local, '--type', 'Big Order')).err).toContain('allowed: big_order');
    expect((await tidemark('init', '../x', '--from', 'e.csv')).err).toContain('letters, digits, - and _');
    expect((await init('e.csv', 'a,b\n')).err).toContain('There are no rows in');
  });
});

describe('odd values', () => {
  const at = (i: number) => `u${i % 3},${day(i)}`;
  /** A column beside an entity and a time. */
  const column = (values: readonly string[], ...options: readonly string[]) =>
    init(
      'e.csv',
      csv(
        'user,time,x',
        values.map((value, i) => `${at(i)},${value}`),
      ),
      ...options,
    );
  const fieldOf = (events: string) => / x: (field\..*),$/m.exec(events)?.[1];

  test.each([
    ['whole numbers', ['1', '-5', '0', '-0'], 'field.int({ min: -100, max: 100 })'],
    ['exponents', ['1e2', '2.5E-1', '3'], 'field.decimal(2, { min: 0, max: 1_000_000 })'],
    ['more places than a contract has', ['0.1234567890123', '1'], 'field.decimal(9, { min: 0, max: 8_000_000_000 })'],
    ['numbers beyond 2^53', ['12345678901234567890', '1'], 'field.string({ maxLength: 64 })'],
    ['digits with zeros in front', ['007', '12'], 'field.string({ maxLength: 16 })'],
    ['numbers and texts', ['1', '2', 'three'], 'field.string({ maxLength: 16 })'],
    ['true and false', ['true', 'FALSE', 'True'], 'field.bool()'],
    ['money as people write it', ['"1,234.50"', '"$12.00"', '7.10'], 'field.string({ maxLength: 16 })'],
    ['times', ['2026-03-04T09:30:00+02:00', '2026-03-04T09:30:00Z'], "field.timestamp('iso8601')"],
    ['days', ['2026-03-04', '2026-03-05'], 'field.string({ maxLength: 32 })'],
    ['a long text', ['y'.repeat(300)], 'field.string({ maxLength: 1024 })'],
    ['texts of other scripts', ['订单', '👍🏽', 'größe'], 'field.string({ maxLength: 16 })'],
  ])('%s', async (_, values, field) => {
    const { code, file, out } = await column(values);
    expect({ code, field: fieldOf(file('events.ts')) }).toEqual({ code: 0, field });
    expect(out).not.toContain('×');
  });

  test('nothing in five spellings is nothing, and a word in a column of words is a word', async () => {
    const numbers = await column(['1', 'NULL', 'NA', 'nan', '', '\\N', '2.50']);
    expect(fieldOf(numbers.file('events.ts'))).toBe('field.decimal(2, { min: 0, max: 10_000, required: false })');
    expect(numbers.file('sources.ts')).toContain("options: { nulls: ['NA', 'NULL', '\\\\N', 'nan'] },");
    expect(numbers.out).toContain('NA, NULL, \\N, nan stand for nothing, in every column.');
    const countries = await column(['DE', 'NA', 'FR', 'None']);
    expect(fieldOf(countries.file('events.ts'))).toBe('field.string({ maxLength: 16 })');
    expect(countries.file('sources.ts')).not.toContain('nulls');
  });

  test('what is kept as text, and could be more, is named', async () => {
    const readme = async (values: readonly string[]) => (await column(values)).file('README.md');
    expect(await readme(['"1,234.50"', '"$12.00"', '7.10'])).toContain('write them as 1234.50');
    expect(await readme(['1', '2', 'three'])).toMatch(/1 of its 3 values are no numbers, the first at .*e\.csv:4/);
    expect(await readme(['2026-03-04', '2026-03-05'])).toContain('Its times (yyyy-MM-dd) stay texts');
    expect(await readme(['0.1234567890123', '1'])).toContain('It is rounded to 9 places, half to even.');
    expect(await readme(['', ''])).toContain('`x`: it has no value in any row.');
  });

  test('a row alone, and an entity alone, are features and no model', async () => {
    const one = await init('e.csv', csv('user,time', ['ann,2026-03-04T09:30:00Z']));
    expect(one).toMatchObject({ code: 0 });
    expect(one.out).toMatch(/es +1$/m);
    expect(one.file('model.ts') + one.file('label.ts')).toBe('');
    expect(one.file('README.md')).toContain('There is no label and no model');
  });

  test('ids that come twice are copies, and are named', async () => {
    const rows = ['1,a,2026-03-04T09:30:00Z', '2,a,2026-03-04T09:31:00Z', '2,b,2026-03-04T09:32:00Z'];
    const ended = await init('e.csv', csv('id,user,time', rows), '--id', 'id');
    expect(ended.out).toMatch(/1 rows have an id that an earlier one has, the first at .*e\.csv:4: each counts once/);
    const equal = await init('e.csv', csv('user,time', ['a,2026-03-04T09:30:00Z', 'a,2026-03-04T09:30:00Z']));
    expect(equal.out).toMatch(/es +2$/m);
  });

  test('rows that have no entity or no time are named with their reason', async () => {
    const rows = [',2026-03-04T09:30:00Z,1', 'a,,2', ...many(40, (i) => `${at(i)},3`), 'b,2026-03-04T09:30:00Z'];
    const { out, file } = await init('e.csv', csv('user,time,x', rows));
    expect(out).toMatch(/1 × MISSING_ENTITY, the first at .*e\.csv:2/);
    expect(out).toMatch(/1 × INVALID_EVENT_TIME, the first at .*e\.csv:3/);
    expect(file('README.md')).toMatch(/1 lines are no rows, the first at .*e\.csv:44: it has 2 fields, the header 3\./);
  });
});

test('nested JSON becomes columns, and what can be none is named', async () => {
  const rows = many(60, (i) =>
    JSON.stringify({
      ...{ user: { id: i % 7, 'e-mail': 'x@example.com' }, ts: 1_770_000_000_000 + i * 3_600_000 },
      ...{
        'cart/total': i % 2 ? 29.330000000000002 : 5,
        tags: ['a'],
        ok: i % 2 === 0,
        big: 2 ** 60,
        mixed: i % 2 ? 1 : 'x',
      },
      ...(i % 3 === 0 ? { geo: { city: { name: 'Bern' } } } : {}),
    }),
  );
  const { code, file, out } = await init('events.ndjson', rows.join('\n'));
  expect(code).toBe(0);
  expect(file('sources.ts')).toContain("entity: at('/user/id'),");
  expect(file('sources.ts')).toContain("cart_total: at('/cart~1total'),");
  expect(file('sources.ts')).toContain("time: { from: '/ts', format: 'epoch_ms' },");
  expect(file('events.ts')).toMatch(/cart_total: field\.decimal\(9, /);
  expect(file('events.ts')).toContain('ok: field.bool(),');
  expect(file('events.ts')).toMatch(/geo_city_name: field\.enum\(\['Bern'\], \{ required: false \}\)/);
  expect(out).toContain('tags is left out: it holds lists');
  expect(out).toContain('big is left out: it holds JSON numbers beyond 2^53');
  expect(out).toContain('mixed is left out: it holds numbers in some rows and texts in others');
  expect(out).toContain('user.e-mail is left out: it looks personal');
  expect(out).not.toContain('×');
});

test('names of columns that are none of a field become some, each its own', async () => {
  const header = 'toString,valueOf,then,2019,größe,订单,价格,class,A b,a_b,order,view,user,time';
  const row = (i: number) => `1,2,3,4,5,6,7,8,9,10,11,12,u${i % 2},${day(i)}`;
  const { code, err, file, out } = await init('views.csv', csv(header, many(30, row)));
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).not.toContain('×');
  for (const name of ['to_string', 'value_of', 'then_value', 'c_2019', 'grosse', 'column', 'column_2', 'a_b_2'])
    expect(file('events.ts')).toMatch(new RegExp(` ${name}: field`));
  expect(file('events.ts')).toContain("export const viewEvent = contract('view', 1");
});

test('a folder is one table, but one of Iceberg or Delta is not read past its own reader', async () => {
  const table = join(folder, 'table');
  mkdirSync(join(table, 'metadata'), { recursive: true });
  for (const part of [0, 1])
    writeFileSync(
      join(table, `part-${part}.csv`),
      csv(
        'user,time',
        many(3, (i) => `u${part},${day(i)}`),
      ),
    );
  const read = () => tidemark('init', 'folder_case', '--from', table, '--out', folder);
  writeFileSync(join(table, 'metadata', 'v1.metadata.json'), '{}');
  expect((await read()).err).toContain(
    'table is an Iceberg table, whose files also hold rows that were deleted or replaced',
  );
  rmSync(join(table, 'metadata'), { recursive: true });
  const { code, out } = await read();
  expect({ code, out }).toMatchObject({
    code: 0,
    out: expect.stringMatching(/u0 at .* after 3 events[\s\S]*u1 at .* after 3/),
  });
});

test('a file of which no row can be an event is refused with the reason, and nothing is written', async () => {
  const rows = many(3, (i) => JSON.stringify({ user: 'ann', time: day(i), nested: { prototype: 1 } }));
  const { code, err, file } = await init('events.ndjson', rows.join('\n'));
  expect(code).toBe(2);
  expect(err).toMatch(
    /^None of the 3 rows can be an event: FORBIDDEN_KEY at .*events\.ndjson:1: record: found a key that/,
  );
  expect(file('index.ts')).toBe('');
});

test('a wide file has a first view that a state can hold, and the README says what is in none', async () => {
  const columns = Array.from({ length: 300 }, (_, i) => `m${i}`);
  const rows = many(40, (i) => `u${i % 4},${day(i)},${columns.map((_, c) => (i * c) % 97).join(',')}`);
  const { code, file } = await init('wide.csv', csv(`user,time,${columns.join(',')}`, rows));
  expect(code).toBe(0);
  expect(file('events.ts').match(/field\.int/g)).toHaveLength(300);
  expect(file('README.md')).toMatch(/`m6`, `m7`, .* are in the contract and in no feature yet/);
});

/** All that the tests above wrote. */
describe('everything that was written', () => {
  const written = () =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'index.ts')))
      .map(({ name }) => join(folder, name));

  test('compiles', () => {
    const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, process.cwd());
    // Each costs half a second of the compiler: one in five.
    const files = written()
      .filter((_, i) => i % 5 === 0)
      .map((usecase) => join(usecase, 'index.ts'));
    expect(files.length).toBeGreaterThan(5);
    const problems = ts.getPreEmitDiagnostics(ts.createProgram(files, options));
    expect(
      problems.map((one) => `${one.file?.fileName} ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`),
    ).toEqual([]);
  });

  test('has a README of one sentence a line, as every document of the house', () => {
    for (const usecase of written()) {
      const readme = readFileSync(join(usecase, 'README.md'), 'utf8');
      expect(readme).toBe(oneSentenceALine(readme));
    }
  });

  test('is as the formatter and the linter have it', () => {
    // What git ignores is not looked at: with rules of its own it is.
    writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...rules(), root: true }));
    execFileSync(process.execPath, [resolve('node_modules/@biomejs/biome/bin/biome'), 'check', ...written()], {
      ...{ cwd: folder, encoding: 'utf8', stdio: 'pipe' },
    });
  });

  const rules = () => {
    const { vcs, files, ...others } = JSON.parse(readFileSync('biome.json', 'utf8'));
    return { ...others, files: { includes: ['case_*/*.ts', 'case_*/*.md'] } };
  };
});
