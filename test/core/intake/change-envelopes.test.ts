/** Change events of databases, in the shapes that DMS, Debezium and Aurora DSQL document. */
import { describe, expect, test } from '@jest/globals';
import type { ChangeBody, Envelope } from '../../../core/intake/envelope.ts';
import { debezium } from '../../../core/intake/envelopes/debezium.ts';
import { dms } from '../../../core/intake/envelopes/dms.ts';

const context = { received_ms: 0, carriage: 'kinesis' } as const;

function read(envelope: Envelope, value: unknown, detail?: Record<string, unknown>) {
  return envelope.unpack(Buffer.from(JSON.stringify(value)), { ...context, detail }, {});
}

function only(envelope: Envelope, value: unknown, detail?: Record<string, unknown>) {
  const { items, refused, gaps } = read(envelope, value, detail);
  expect({ refused, gaps, count: items.length }).toEqual({ refused: [], gaps: [], count: 1 });
  return { ...items[0]!, body: items[0]!.body as ChangeBody };
}

const reasonOf = (envelope: Envelope, value: unknown) => read(envelope, value).refused.map(({ reason }) => reason);

describe('dms', () => {
  const metadata = {
    timestamp: '2025-06-10T11:28:47.329000Z',
    'record-type': 'data',
    operation: 'insert',
    'partition-key-type': 'primary-key',
    'partition-key-value': 'public.demo.46',
    'schema-name': 'public',
    'table-name': 'demo',
    'transaction-id': 1670,
    'commit-timestamp': '2025-06-10T11:28:46.100000Z',
    'stream-position': '00000002/7C007178.3.00000002/7C007178',
    'transaction-record-id': 1,
  };
  const data = { id: 46, name: 'Jane', attributes: '{"a": 1}' };

  test('an insert is a created row, with its place in the log as id and its commit as time', () => {
    expect(only(dms, { data, metadata })).toEqual({
      id: 'public.demo:00000002/7C007178.3.00000002/7C007178:1',
      kind: 'public.demo c',
      body: {
        op: 'c',
        schema: 'public',
        table: 'demo',
        before: null,
        after: data,
        key: null,
        position: '00000002/7C007178.3.00000002/7C007178:1',
        time_ms: Date.UTC(2025, 5, 10, 11, 28, 46, 100),
      },
    });
  });

  test('an update has its image before', () => {
    const { body } = only(dms, { data, 'before-image': { id: 45 }, metadata: { ...metadata, operation: 'update' } });
    expect(body).toMatchObject({ op: 'u', before: { id: 45 }, after: data });
  });

  test('of a deleted row only the key is known: its other columns are null', () => {
    const record = { data: { id: 46, name: null, attributes: null }, metadata: { ...metadata, operation: 'delete' } };
    expect(only(dms, record).body).toMatchObject({ op: 'd', key: { id: 46 }, before: { id: 46 }, after: null });
    const image = only(dms, { ...record, 'before-image': { id: 46, name: 'Jane' } });
    expect(image.body.before).toEqual({ id: 46, name: 'Jane' });
  });

  test('a loaded row is told by what it holds: loaded twice it is one fact, changed between the loads it is two', () => {
    const load = {
      timestamp: metadata.timestamp,
      'record-type': 'data',
      operation: 'load',
      'schema-name': 'public',
      'table-name': 'demo',
    };
    const first = only(dms, { data, metadata: load });
    const again = only(dms, { data: { name: 'Jane', attributes: '{"a": 1}', id: 46 }, metadata: load });
    const changed = only(dms, { data: { ...data, name: 'Joan' }, metadata: load });
    expect(first.id).toMatch(/^public\.demo:load:[0-9a-f]{32}$/);
    expect(again.id).toBe(first.id);
    expect(changed.id).not.toBe(first.id);
    expect(first.body).toMatchObject({ op: 'r', position: null, time_ms: Date.parse(metadata.timestamp) });
  });

  test('without the details of transactions a change has no id: the map has to make one', () => {
    const { 'stream-position': _, ...without } = metadata;
    expect(only(dms, { data, metadata: without })).toMatchObject({ id: null, body: { position: null } });
  });

  test('control records are no events; a table that is loaded anew, or could not be applied, is a gap', () => {
    const control = (operation: string, table: string) => ({
      control: {},
      metadata: { ...metadata, 'record-type': 'control', operation, 'table-name': table },
    });
    const none = { items: [], refused: [], gaps: [] };
    expect(read(dms, control('create-table', 'demo'))).toEqual(none);
    expect(read(dms, control('add-column', 'demo'))).toEqual(none);
    expect(read(dms, control('drop-table', 'awsdms_apply_exceptions'))).toEqual(none);
    const dropped = read(dms, control('drop-table', 'demo'));
    expect(dropped).toMatchObject({ items: [], refused: [], gaps: [{ kind: 'drop-table', to_ms: expect.anything() }] });
    expect(dropped.gaps[0]!.detail).toMatch(/public\.demo/);
    const exception = {
      data: { TASK_NAME: 'X', TABLE_NAME: 'demo', STATEMENT: 'insert … secret', ERROR: 'duplicate key' },
      metadata: { ...metadata, 'table-name': 'awsdms_apply_exceptions' },
    };
    const gap = read(dms, exception);
    expect(gap).toMatchObject({ items: [], refused: [], gaps: [{ kind: 'awsdms_apply_exceptions' }] });
    expect(JSON.stringify(gap)).not.toMatch(/secret/);
  });

  test.each<[string, unknown]>([
    ['an array', []],
    ['no metadata', { data }],
    ['a record type that is unknown', { data, metadata: { ...metadata, 'record-type': 'x' } }],
    ['an operation that is unknown', { data, metadata: { ...metadata, operation: 'toString' } }],
    ['no data', { metadata }],
    ['no table', { data, metadata: { ...metadata, 'table-name': '' } }],
  ])('%s is refused whole', (_name, value) => {
    expect(reasonOf(dms, value)).toEqual(['INVALID_ENVELOPE']);
  });
});

describe('debezium', () => {
  const source = {
    version: '3.0.0.Final',
    connector: 'postgresql',
    name: 'shop',
    ts_ms: 1_700_000_000_123,
    snapshot: 'false',
    db: 'shop',
    schema: 'public',
    table: 'orders',
    txId: 761,
    lsn: 24023128,
  };
  const after = { id: 7, note: 'x' };
  const value = { before: null, after, source, op: 'c', ts_ms: 1_700_000_000_999, transaction: null };

  test('a change, with its key of Kafka, bare and within its schema', () => {
    const expected = {
      id: 'public.orders:postgresql.shop:24023128:7',
      kind: 'public.orders c',
      body: {
        ...{ op: 'c', schema: 'public', table: 'orders', before: null, after, key: { id: 7 } },
        ...{ position: '24023128', time_ms: 1_700_000_000_123 },
      },
    };
    expect(only(debezium, value, { key: { id: 7 } })).toEqual(expected);
    const schema = { type: 'struct', fields: [] };
    expect(only(debezium, { schema, payload: value }, { key: { schema, payload: { id: 7 } } })).toEqual(expected);
  });

  test('without a key the rows of one place in the log differ by what they hold', () => {
    const [one, other] = [only(debezium, value), only(debezium, { ...value, after: { id: 8 } })];
    expect(one.id).not.toBe(other.id);
    expect(only(debezium, value).id).toBe(one.id);
  });

  test('a snapshot read again as it was is the same fact', () => {
    const snapshot = (lsn: number, row: object) =>
      only(debezium, { ...value, op: 'r', after: row, source: { ...source, lsn } }, { key: { id: 7 } });
    expect(snapshot(1, after)).toMatchObject({ body: { op: 'r', position: null } });
    expect(snapshot(1, after).id).toBe(snapshot(2, after).id);
    expect(snapshot(1, after).id).not.toBe(snapshot(1, { ...after, note: 'y' }).id);
  });

  test('a tombstone and an application’s message are nothing, an emptied table is a gap', () => {
    const none = { items: [], refused: [], gaps: [] };
    expect(read(debezium, null)).toEqual(none);
    expect(read(debezium, { schema: {}, payload: null })).toEqual(none);
    expect(read(debezium, { op: 'm', source, message: { prefix: 'p', content: 'YQ==' } })).toEqual(none);
    expect(read(debezium, { ...value, op: 't', after: null })).toMatchObject({
      items: [],
      refused: [],
      gaps: [{ kind: 'truncate', detail: 'public.orders was emptied', to_ms: source.ts_ms }],
    });
  });

  test('a large value that an update left as it was is not there, in whatever shape its column has', () => {
    const placeholder = '__debezium_unavailable_value';
    const row = {
      id: 7,
      text: placeholder,
      bytes: Buffer.from(placeholder).toString('base64'),
      list: [placeholder],
      map: { [placeholder]: placeholder },
      kept: ['a', placeholder],
    };
    const { body } = only(debezium, { ...value, op: 'u', before: row, after: row });
    expect(body.after).toEqual({ id: 7, kept: ['a', placeholder] });
    expect(body.before).toEqual({ id: 7, kept: ['a', placeholder] });
  });

  test('the unwrapped form', () => {
    const flat = { ...after, __table: 'orders', __schema: 'public', __op: 'u', __lsn: 5, __source_ts_ms: 9 };
    expect(only(debezium, { ...flat, __deleted: 'false' }, { key: { id: 7 } })).toEqual({
      id: 'public.orders:5:7',
      kind: 'public.orders u',
      body: {
        ...{ op: 'u', schema: 'public', table: 'orders', before: null, after, key: { id: 7 } },
        ...{ position: '5', time_ms: 9 },
      },
    });
    expect(only(debezium, { ...flat, __deleted: 'true' }).body).toMatchObject({ op: 'd', before: after, after: null });
    expect(reasonOf(debezium, after)).toEqual(['INVALID_ENVELOPE']);
  });

  test('Aurora DSQL: a row of a transaction; a part of a row is refused and kept', () => {
    const dsql = {
      type: 'full',
      op: 'u',
      before: null,
      after,
      source: { ts_ms: 5, ts_ns: 5e6, txId: 'abc', schema: 'public', table: 'orders', db: 'postgres', cluster: 'c1' },
      ts_ms: 6,
    };
    expect(only(debezium, dsql)).toMatchObject({ id: expect.stringMatching(/^public\.orders:c1\.postgres:abc:/) });
    expect(reasonOf(debezium, { ...dsql, type: 'partial' })).toEqual(['INVALID_ENVELOPE']);
  });

  test('the logs of MySQL, SQL Server and MongoDB have their places', () => {
    const position = (own: object) =>
      only(debezium, { ...value, source: { connector: 'x', db: 'd', table: 't', ...own } }).body.position;
    expect(position({ file: 'bin.3', pos: 154, row: 2 })).toBe('bin.3:154:2');
    expect(position({ change_lsn: '0:1', event_serial_no: 2 })).toBe('0:1:2');
    expect(position({ ts_ms: 5, ord: 1 })).toBe('5:1');
    expect(position({})).toBeNull();
    const mongo = { connector: 'mongodb', db: 'd', collection: 'people', ts_ms: 5, ord: 1 };
    const { body } = only(debezium, { op: 'c', before: null, after: '{"_id": 1}', source: mongo });
    expect(body).toMatchObject({ table: 'people', after: { _id: 1 } });
  });

  test.each([[{ ...value, op: 'x' }], [{ ...value, source: null }], [{ ...value, after: 3 }], [7], ['text']])(
    'what is no change event is refused whole: %#',
    (bad) => {
      expect(reasonOf(debezium, bad)).toEqual(['INVALID_ENVELOPE']);
    },
  );
});
