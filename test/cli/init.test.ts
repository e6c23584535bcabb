/** `tidemark init`: from a stranger's file to a use case, by the command line in this process. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { csv, day, type Ended, folder, init, many, tidemark } from './init-support.ts';

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

  test('has a source that reads such files where they land', async () => {
    expect(ended.file('sources.ts')).toContain("via: [{ kind: 'files', format: 'csv' }],");
    const semicolons = await init('e.csv', ORDERS.replaceAll(',', ';'));
    expect(semicolons.file('sources.ts')).toContain("format: 'csv', delimiter: ';' }],");
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
    const again = await tidemark('init', `case_1`, '--from', join(folder, 'orders.csv'), '--out', folder);
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
