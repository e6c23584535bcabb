/** A real PostgreSQL, read by its log, through Debezium's form, Kafka's record and a map to events. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ChangeBody } from '../../../core/intake/envelope.ts';
import { kafka } from '../../../core/intake/envelopes/kafka.ts';
import { compileSource } from '../../../core/intake/intake.ts';
import { startPostgres } from '../../../local/servers/postgres.mjs';
import { type ChangeMessage, changesOf } from '../../fixtures/debezium.ts';
import streamed from '../../fixtures/usecases/streamed/index.ts';

const context = { received_ms: Date.now(), carriage: 'kafka' } as const;
const LARGE = 'x'.repeat(20_000);
let messages: ChangeMessage[];
let stop: () => Promise<void>;

beforeAll(async () => {
  const postgres = await startPostgres();
  stop = postgres.stop;
  const schema = `
    create table reads (id bigint primary key, reader text, seconds int, at timestamptz, note text);
    alter table reads alter column note set storage external;
    create table whole (id int primary key, note text);
    alter table whole replica identity full;`;
  messages = await changesOf(postgres.dsn, schema, ['reads', 'whole'], async (client) => {
    await client.query(`insert into reads values (1, 'ann', 30, '2026-01-01T10:00:00Z', $1)`, [LARGE]);
    await client.query('update reads set seconds = 40 where id = 1');
    // One transaction: what is rolled back was never there, and one statement may make several rows.
    await client.query('begin');
    await client.query(
      `insert into reads values (2, 'bob', 5, '2026-01-01T11:00:00Z', null), (3, 'ann', 6, '2026-01-01T12:00:00Z', '')`,
    );
    await client.query('savepoint s');
    await client.query(`insert into reads values (4, 'eve', 7, '2026-01-01T13:00:00Z', null)`);
    await client.query('rollback to s');
    await client.query('commit');
    await client.query('delete from reads where id = 2');
    await client.query(`insert into whole values (1, 'a')`);
    await client.query(`update whole set note = 'b'`);
    await client.query('delete from whole');
  });
});
afterAll(async () => stop?.());

/** As Lambda gives it to the function. */
const recordOf = ({ key, value }: ChangeMessage, offset: number) => {
  const encoded = (part: object | null) => part && Buffer.from(JSON.stringify(part)).toString('base64');
  const record = { topic: 'test.public.reads', partition: 0, offset, timestamp: 1, headers: [] };
  return Buffer.from(JSON.stringify({ ...record, key: encoded(key), value: encoded(value) }));
};
const changes = () =>
  messages
    .map((message, offset) => kafka.unpack(recordOf(message, offset), context, { inner: 'debezium' }))
    .flatMap(({ items, refused, gaps }) => {
      expect([refused, gaps]).toEqual([[], []]);
      return items.map((item) => ({ ...item, body: item.body as ChangeBody }));
    });

test('inserts, updates and deletes, committed alone, in the order of the log', () => {
  expect(changes().map(({ kind, body }) => `${kind} ${body.key?.id}`)).toEqual([
    'public.reads c 1',
    'public.reads u 1',
    'public.reads c 2',
    'public.reads c 3',
    'public.reads d 2',
    'public.whole c 1',
    'public.whole u 1',
    'public.whole d 1',
  ]);
});

test('each has an id of its own, the same when the log is read again', () => {
  const ids = changes().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(changes().map(({ id }) => id)).toEqual(ids);
  expect(ids[0]).toMatch(/^public\.reads:postgresql\.postgres:\d+:1$/);
});

test('a large value that an update left as it was is not there, rather than a placeholder', () => {
  const [created, updated] = changes();
  expect(created!.body.after).toMatchObject({ note: LARGE, seconds: 30 });
  expect(updated!.body.after).toEqual({ id: '1', reader: 'ann', seconds: 40, at: '2026-01-01T10:00:00.000Z' });
});

test('before is known of whole rows alone; of a deleted row at least its key', () => {
  const by = Object.fromEntries(changes().map(({ kind, body }) => [kind, body]));
  expect(by['public.reads u']!.before).toBeNull();
  expect(by['public.reads d']).toMatchObject({ before: { id: '2' }, after: null, key: { id: '2' } });
  expect(by['public.whole u']).toMatchObject({ before: { id: 1, note: 'a' }, after: { note: 'b' } });
  expect(by['public.whole d']).toMatchObject({ before: { id: 1, note: 'b' } });
  const times = changes().map(({ body }) => body.time_ms!);
  expect(times.every((ms) => Math.abs(ms - Date.now()) < 600_000)).toBe(true);
});

test('a map makes events of them, and a second delivery makes the same', () => {
  const intake = compileSource(streamed.sources!.find(({ name }) => name === 'cdc')!, streamed.contracts);
  const take = () => messages.map((message, offset) => intake(recordOf(message, offset), context));
  const events = take().flatMap((taken) => taken.events);
  expect(events.map(({ entity_id }) => entity_id)).toEqual(['ann', 'bob', 'ann']);
  expect(take().flatMap((taken) => taken.events)).toEqual(events);
  expect(JSON.parse(Buffer.from(events[0]!.data).toString())).toMatchObject({
    event_id: expect.stringMatching(/^cdc:public\.reads:/),
    event_type: 'article_read',
    source: 'cdc',
    properties: { seconds: 30 },
  });
});
