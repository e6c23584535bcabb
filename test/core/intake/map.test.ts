/** A source as it is declared, and what its map makes of items. */
import { describe, expect, test } from '@jest/globals';
import {
  at,
  contract,
  count,
  defineUseCase,
  field,
  firstOf,
  rule,
  source,
  sum,
} from '../../../core/definition/define.ts';
import { compileSource } from '../../../core/intake/intake.ts';

const payment = contract('payment', 1, {
  eventTime: 'epoch_ms',
  fields: {
    amount: field.decimal(2, { min: 0, max: 1_000_000 }),
    currency: field.string({ from: 'ccy' }),
    paid: field.bool({ required: false }),
    due: field.timestamp('iso8601', { required: false }),
  },
});

const billing = source('billing', {
  envelope: 'json',
  options: { each: '/events', id: '/id', kind: '/type' },
  via: [{ kind: 'http', verify: { scheme: 'hmac' } }],
  map: [
    rule({
      when: at('/type').in(['paid', 'settled']),
      event: payment,
      entity: firstOf([at('/customer/id'), at('/customer')]),
      time: { from: '/created', format: 'epoch_s' },
      properties: {
        amount: at('/cents', { shift: 2 }),
        currency: at('/currency', { as: field.string({ case: 'lower' }) }),
        paid: true,
        due: at('/due', { as: field.timestamp('epoch_s') }),
      },
    }),
  ],
  erase: [{ when: at('/type').eq('forget'), entity: at('/customer') }],
});

const ir = defineUseCase({
  name: 'shop',
  entity: 'customer',
  contracts: [payment],
  views: {
    spending: {
      entity: 'customer',
      features: { n: count({ of: payment, window: '7d' }), sum: sum({ of: payment.amount, window: '7d' }) },
    },
  },
  sources: [billing],
});

const take = compileSource(ir.sources![0]!, ir.contracts);
const send = (...events: object[]) =>
  take(Buffer.from(JSON.stringify({ events })), { received_ms: 0, carriage: 'http' });
const eventsOf = ({ events }: ReturnType<typeof send>) =>
  events.map(({ data }) => JSON.parse(Buffer.from(data).toString()) as unknown);

describe('a source', () => {
  test('maps the items that a rule asks for, and writes them as their contract reads them', () => {
    const taken = send({
      id: 7,
      type: 'paid',
      customer: { id: 'ann' },
      created: 1_700_000_000,
      cents: 1990,
      currency: ' EUR',
      due: 1,
    });
    expect(eventsOf(taken)).toEqual([
      {
        event_id: 'billing:7',
        entity_id: 'ann',
        event_type: 'payment',
        event_time: 1_700_000_000_000,
        source: 'billing',
        schema_version: 1,
        properties: { amount: '19.90', ccy: 'eur', paid: true, due: '1970-01-01T00:00:01.000Z' },
      },
    ]);
  });

  test('counts what no rule asks for, names whom to forget, and refuses what it can not map, with its bytes', () => {
    const taken = send(
      { id: 1, type: 'opened', customer: 'ann' },
      { id: 2, type: 'forget', customer: 'bob' },
      { id: 3, type: 'paid', customer: 'ann', created: 'soon', cents: 1 },
      { id: 4, type: 'paid', created: 1, cents: 1 },
    );
    expect(taken.events).toEqual([]);
    expect([...taken.ignored]).toEqual([['opened', 1]]);
    expect(taken.erasures).toEqual(['bob']);
    expect(taken.refused.map(({ reason, kind }) => [reason, kind])).toEqual([
      ['INVALID_EVENT_TIME', 'paid'],
      ['MISSING_ENTITY', 'paid'],
    ]);
    expect(JSON.parse(Buffer.from(taken.refused[1]!.raw).toString())).toEqual({
      id: 4,
      type: 'paid',
      created: 1,
      cents: 1,
    });
  });

  test('refuses a body that is none as a whole', () => {
    for (const [body, reason] of [
      ['{', 'MALFORMED_JSON'],
      ['{"events": 1}', 'INVALID_ENVELOPE'],
      ['{"events": [], "__proto__": 1}', 'FORBIDDEN_KEY'],
    ] as const)
      expect(take(Buffer.from(body), { received_ms: 0, carriage: 'http' }).refused.map((one) => one.reason)).toEqual([
        reason,
      ]);
  });

  test.each([
    [{ map: [] }, /sources\.s\.map: found no map/],
    [
      { mapWith: './m.ts', map: [], via: [{ kind: 'table' as const, key: ['id'], version: 'v' }] },
      /sources\.s\.mapWith: found a module, with table/,
    ],
    [{ options: { eachh: '' } }, /sources\.s\.options\.eachh: found an unknown field/],
    [{ envelope: 'jsonn' }, /sources\.s\.envelope: found 'jsonn'/],
    [{ via: [{ kind: 'http' }] }, /sources\.s\.via\.0\.verify: found nothing/],
    [
      {
        map: [
          rule({
            event: payment,
            entity: at('/a'),
            time: { from: '/t', format: 'epoch_s' },
            properties: { amont: 1 } as object,
          }),
        ],
      },
      /sources\.s\.map\.0\.properties\.amont: found a field that the contract has not/,
    ],
  ])('is refused by name: %j', (change, message) => {
    const map = [rule({ event: payment, entity: at('/a'), time: { from: '/t', format: 'epoch_s' } })];
    const spec = { envelope: 'json' as const, via: [{ kind: 'iot' as const }], map, ...change };
    const { views } = { views: { v: { entity: 'customer', features: { n: count({ of: payment, window: '7d' }) } } } };
    expect(() =>
      defineUseCase({
        name: 'shop',
        entity: 'customer',
        contracts: [payment],
        views,
        sources: [source('s', spec as never)],
      }),
    ).toThrow(message);
  });
});
