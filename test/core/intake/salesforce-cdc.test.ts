/** Change events of Salesforce, as an event relay and AppFlow hand them over. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IntakeContext } from '../../../core/intake/envelope.ts';
import { salesforceCdc } from '../../../core/intake/envelopes/salesforce-cdc.ts';

const ORGANISATION = '00D5g000004ABCDEAW';
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const from = (source: string): IntakeContext => ({ received_ms: 0, carriage: 'bus', detail: { source } });
const RELAY = from(`aws.partner/salesforce.com/${ORGANISATION}/0YLdS0000000001AAA`);

const HEADER = {
  entityName: 'Account',
  recordIds: ['0015g00000XyzAAAR'],
  changeType: 'UPDATE',
  changeOrigin: 'com/salesforce/api/soap/64.0;client=SfdcInternalAPI/',
  transactionKey: '0002343d-9d90-e395-ed20-cf416ba652ad',
  sequenceNumber: 1,
  commitTimestamp: 1700000000000,
  commitNumber: 10514168371264,
  commitUser: '0055g000005mc66AAA',
  nulledFields: ['Phone', 'BillingAddress.City'],
  diffFields: [],
  changedFields: ['Industry', 'Phone', 'BillingAddress.City', 'LastModifiedDate'],
};
const FIELDS = { Industry: 'Energy', BillingAddress: { Country: 'NL' }, LastModifiedDate: '2023-11-14T22:13:20.000Z' };
const change = (header: object = {}, fields: object = FIELDS) => ({
  ...fields,
  ChangeEventHeader: { ...HEADER, ...header },
});
const relayed = (payload: object) => ({ schemaId: 'Z1L_4IT', payload, id: 'e1' });
const unpack = (value: unknown, context = RELAY, options: { organisation?: string } = {}) =>
  salesforceCdc.unpack(bytes(value), context, options);

describe('a change', () => {
  test('is the record with its id, its header, and null for what was emptied', () => {
    const { items, refused, gaps } = unpack(relayed(change()));
    expect([refused, gaps]).toEqual([[], []]);
    expect(items).toEqual([
      {
        id: '0002343d-9d90-e395-ed20-cf416ba652ad:1:0015g00000XyzAAAR',
        kind: 'Account UPDATE',
        body: {
          Id: '0015g00000XyzAAAR',
          Industry: 'Energy',
          Phone: null,
          BillingAddress: { Country: 'NL', City: null },
          LastModifiedDate: '2023-11-14T22:13:20.000Z',
          ChangeEventHeader: HEADER,
        },
      },
    ]);
  });

  test("is the same in AppFlow's flatter form, and as an item that comes again by itself", () => {
    const two = change({ recordIds: ['001A', '001B'] });
    const { items } = unpack(relayed(two));
    expect(unpack(two, from('aws.partner/appflow/salesforce.com/111122223333/flow')).items).toEqual(items);
    expect(items.map(({ body }) => unpack(body).items[0])).toEqual(items);
  });

  test('of several records is an item each, all with the same fields', () => {
    const { items } = unpack(relayed(change({ recordIds: ['001A', '001B', '001A'], changeType: 'DELETE' }, {})));
    expect(items.map(({ id, kind }) => [id!.slice(-5), kind])).toEqual([
      [':001A', 'Account DELETE'],
      [':001B', 'Account DELETE'],
    ]);
    expect(items.map(({ body }) => (body as { Id: string }).Id)).toEqual(['001A', '001B']);
  });

  test('that names prototypes as its fields changes no object', () => {
    const { items } = unpack(relayed(change({ nulledFields: ['__proto__.polluted', 'constructor.prototype', 7] })));
    expect(items).toHaveLength(1);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('what Salesforce does not tell', () => {
  test.each(['GAP_CREATE', 'GAP_UPDATE', 'GAP_DELETE', 'GAP_UNDELETE'])('%s is a gap and no event', (changeType) => {
    expect(unpack(relayed(change({ changeType, recordIds: ['001A', '001B'] }, {})))).toEqual({
      items: [],
      refused: [],
      gaps: [{ kind: changeType, detail: 'Account: 2 ids', from_ms: 1700000000000, to_ms: 1700000000000 }],
    });
  });

  test('too many changes in a transaction are a gap of the whole object, with or without ids', () => {
    const overflow = { changeType: 'GAP_OVERFLOW', recordIds: ['000000000000000AAA'], commitTimestamp: undefined };
    const gap = { kind: 'GAP_OVERFLOW', detail: 'Account: too many changes in a transaction' };
    expect(unpack(relayed(change(overflow, {})))).toEqual({ items: [], refused: [], gaps: [gap] });
    expect(unpack(relayed(change({ ...overflow, recordIds: [] }, {}))).gaps).toEqual([gap]);
  });

  test('a converted field may have changed every record', () => {
    expect(unpack(relayed(change({ recordIds: ['001*'] })))).toMatchObject({
      items: [],
      gaps: [{ kind: 'UPDATE of all records', detail: 'Account: 1 ids' }],
    });
  });
});

describe('refused, whole and with its bytes', () => {
  test.each([
    ['a platform event', relayed({ Order__c: 'x' }), 'take the envelope json'],
    ['no header', relayed({ ChangeEventHeader: 'none' }), 'ChangeEventHeader: found string'],
    ['no object', relayed(change({ entityName: '' })), 'entityName: found string'],
    ['no record', relayed(change({ recordIds: [] })), 'recordIds: found array'],
    ['a record that is no text', relayed(change({ recordIds: ['001A', 7] })), 'recordIds: found array'],
    ['an unknown change', relayed(change({ changeType: 'SNAPSHOT' })), 'changeType: found another text'],
    ['no transaction', relayed(change({ transactionKey: null })), 'transactionKey: found null'],
    ['no place in it', relayed(change({ sequenceNumber: '1' })), 'sequenceNumber: found string'],
    ['a payload that is none', { payload: null }, 'payload: found null'],
    ['a list', [], 'detail: found array'],
  ])('%s', (_, value, says) => {
    const { items, refused, gaps } = unpack(value);
    expect([items, gaps]).toEqual([[], []]);
    expect(refused).toEqual([{ reason: 'INVALID_ENVELOPE', detail: expect.stringContaining(says), raw: bytes(value) }]);
  });

  test('what another organisation sends', () => {
    const other = from('aws.partner/salesforce.com/00D5g000004XYZW/0YL');
    const options = { organisation: ORGANISATION };
    expect(unpack(relayed(change()), other, options).refused).toMatchObject([
      { reason: 'INVALID_ENVELOPE', detail: expect.stringContaining('another organisation') },
    ]);
    expect(unpack(relayed(change()), RELAY, options).items).toHaveLength(1);
    expect(unpack(relayed(change()), RELAY, { organisation: ORGANISATION.slice(0, 15) }).items).toHaveLength(1);
    expect(unpack(relayed(change()), other).items).toHaveLength(1);
  });

  test('whatever the bytes are, nothing is thrown and every record is accounted for', () => {
    const part = fc.oneof(fc.jsonValue(), fc.constantFrom('GAP_UPDATE', 'UPDATE', ['001A'], ['001*'], 7, HEADER));
    const header = fc.dictionary(fc.constantFrom(...Object.keys(HEADER)), part);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          header.map((over) => bytes(relayed(change(over)))),
        ),
        (raw) => {
          const { items, refused, gaps } = salesforceCdc.unpack(raw, RELAY, {});
          expect(items.length + refused.length + gaps.length).toBeGreaterThan(0);
          if (refused.length > 0) expect([items.length, gaps.length]).toEqual([0, 0]);
        },
      ),
    );
  });
});
