/** What `tidemark init` makes of odd values and names; and all that it wrote compiles, and is as the formatter has it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { oneSentenceALine } from '../../docs/generate/sentences.ts';
import { csv, day, folder, init, many } from './init-support.ts';

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
    expect(file('README.md')).toMatch(/1 lines are no rows, the first at .*e\.csv:44: found 2 values; allowed: 3/);
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
