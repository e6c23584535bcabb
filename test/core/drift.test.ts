/** How a record differs from its contract: names and types, whatever it holds. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileContracts } from '../../core/admission/admit.ts';
import { type Drift, driftOf, OTHER } from '../../core/admission/drift.ts';
import { admitRecord } from '../../core/admission/record-parts.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, field } from '../../core/definition/define.ts';

const order = contract('order', 1, {
  fields: {
    total: { ...field.decimal(2, { max: 1_000_000 }), from: 'amount' },
    items: field.int({ required: false }),
    channel: field.enum(['web', 'shop'], { required: false }),
    note: field.string({ required: false, maxLength: 4 }),
    paid: field.bool({ required: false }),
    due: field.timestamp('epoch_ms', { required: false }),
  },
});
const contracts = compileContracts([contractIR(order)]);
const good = {
  event_id: 'o-1',
  entity_id: 'ann',
  event_type: 'order',
  event_time: '2026-03-01T09:00:00Z',
  source: 'shop',
  schema_version: 1,
  properties: { amount: '19.90' } as Record<string, unknown>,
};
const position = { shard_id: 's', sequence_number: '1', arrival_ms: Date.parse('2026-03-01T09:00:05Z') };

function drift(record: object | string): readonly Drift[] {
  const data = Buffer.from(typeof record === 'string' ? record : JSON.stringify(record));
  const options = { replay: false, available_lag_ms: 0, max_bytes: 10_000 };
  const parts = admitRecord({ position: { ...position, partition_key: 'ann' }, data }, contracts, options);
  return parts.flatMap((part) => driftOf(part, contracts));
}
const withProperties = (properties: Record<string, unknown>) => ({
  ...good,
  properties: { ...good.properties, ...properties },
});
const short = (found: readonly Drift[]) =>
  found.map((one) => `${one.kind} ${one.field} ${one.found}${one.allowed ? ` for ${one.allowed}` : ''}`);

describe('drift of one record', () => {
  test.each<readonly [string, object | string, readonly string[]]>([
    ['a record as its contract has it', good, []],
    ['a new field', withProperties({ currency: 'EUR' }), ['unknown_field properties.currency string']],
    ['a new member of the record', { ...good, tenant: { id: 1 } }, ['unknown_field tenant object']],
    ['a lost field, by its key', { ...good, properties: {} }, ['lost_field properties.amount undefined for decimal']],
    ['no properties at all', { ...good, properties: null }, ['lost_field properties.amount undefined for decimal']],
    [
      'a null where a value is required',
      withProperties({ amount: null }),
      ['lost_field properties.amount null for decimal'],
    ],
    ['an optional field that is left out or null', withProperties({ note: null }), []],
    [
      'a number that became an object',
      withProperties({ amount: { value: 1 } }),
      ['changed_type properties.amount object for decimal'],
    ],
    [
      'a number that became a text of words',
      withProperties({ items: 'three' }),
      ['changed_type properties.items string for int'],
    ],
    [
      'an integer that became a fraction',
      withProperties({ items: 1.5 }),
      ['changed_type properties.items number for int'],
    ],
    ['a flag that became a number', withProperties({ paid: 1 }), ['changed_type properties.paid number for bool']],
    [
      'a time that became a text',
      withProperties({ due: 'soon' }),
      ['changed_type properties.due string for timestamp'],
    ],
    ['a time out of range, which is one still', withProperties({ due: -5 }), []],
    ['a text that is too long, which is one still', withProperties({ note: 'too long' }), []],
    ['an amount out of range, which is one still', withProperties({ amount: '99999999' }), []],
    ['a grown enum', withProperties({ channel: 'app' }), ['grown_enum properties.channel string for enum']],
    [
      'several at once, of which the contract names one',
      withProperties({ amount: [], channel: 'app', currency: 1 }),
      [
        'changed_type properties.amount array for decimal',
        'grown_enum properties.channel string for enum',
        'unknown_field properties.currency number',
      ],
    ],
    ['a new event type', { ...good, event_type: 'refund' }, ['unknown_event_type null string']],
    [
      'an event type that is no text',
      { ...good, event_type: 7 },
      ['changed_type event_type number for string', 'unknown_event_type null number'],
    ],
    ['a new schema version', { ...good, schema_version: 2 }, ['unknown_schema_version null number']],
    [
      'a version that became a text',
      { ...good, schema_version: '1' },
      ['changed_type schema_version string for number', 'unknown_schema_version null string'],
    ],
    ['no schema version', { ...good, schema_version: undefined }, ['lost_field schema_version undefined for number']],
    ['a time that became a number', { ...good, event_time: 1 }, ['changed_type event_time number for string']],
    ['an id that became a number', { ...good, entity_id: 42 }, ['changed_type entity_id number for string']],
    ['a record that is no JSON', '{"event_id":', []],
  ])('%s', (_, record, expected) => {
    expect(short(drift(record))).toEqual(expected);
  });

  test('says who sent it, and which type and version it claims', () => {
    const of = { source: 'shop', event_type: 'refund', schema_version: 3 };
    expect(drift({ ...good, event_type: 'refund', schema_version: 3 })).toEqual([
      { ...of, kind: 'unknown_event_type', field: null, found: 'string', allowed: null },
    ]);
  });

  test.each([
    ['an address', 'ann@example.org'],
    ['an id', 'cus_9481237712'],
    ['a random number', 'f81d4fae7dec11d0'],
    ['a sentence', 'Ann lives here'],
  ])('%s in place of a name is not told', (_, name) => {
    const odd = { ...withProperties({ [name]: 1 }), source: name };
    expect(drift(odd)).toEqual([
      {
        ...{ source: OTHER, event_type: 'order', schema_version: 1, kind: 'unknown_field' },
        ...{ field: `properties.${OTHER}`, found: 'number', allowed: null },
      },
    ]);
  });
});

test('no value of a record is ever told, whatever it is', () => {
  const secret = 'qxj';
  const value = fc.oneof(
    fc.constant(`${secret}-value`),
    fc.constant([secret]),
    fc.constant({ inner: secret }),
    fc.constant(null),
    fc.integer(),
    fc.boolean(),
  );
  const names = ['event_id', 'entity_id', 'event_time', 'schema_version', 'properties', 'extra'];
  const properties = fc.dictionary(fc.constantFrom('amount', 'items', 'channel', 'note', 'paid', 'due', 'new'), value);
  const record = fc.record({ over: fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 2 }), properties });
  fc.assert(
    fc.property(record, ({ over, properties: inside }) => {
      const found = drift({ ...good, properties: { ...good.properties, ...inside }, ...over });
      expect(JSON.stringify(found)).not.toContain(secret);
    }),
    { numRuns: 300 },
  );
});
