/** A provider changes what it sends in mid-stream: drift says what, by names and types, and the rest goes on. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { contractIR } from '../../../core/definition/contracts.ts';
import { contract, field } from '../../../core/definition/define.ts';
import { at, firstOf, rule, source, sourceIR } from '../../../core/definition/sources.ts';
import { compileSource } from '../../../core/intake/intake.ts';
import type { CarriageKind } from '../../../core/ir/document.ts';
import { DriftWatch } from '../../../engine/ingest/drift.ts';
import { SourceDrift } from '../../../engine/intake/source-drift.ts';
import { take } from '../../../engine/intake/take.ts';
import { MemoryLake } from '../../../engine/memory/lake.ts';

const NOW = Date.UTC(2026, 0, 5);
const payment = contract('payment', 1, { fields: { amount: field.decimal(2), currency: field.string() } });
const contracts = [contractIR(payment)];
const billing = sourceIR(
  source('billing', {
    envelope: 'stripe',
    via: [{ kind: 'bus' }],
    map: [
      rule({
        when: at('/type').eq('invoice.paid'),
        event: payment,
        entity: firstOf([at('/data/object/customer'), at('/data/object/customer/id')]),
        time: { from: '/created', format: 'epoch_s' },
        properties: {
          amount: at('/data/object/amount_paid', { shift: 2 }),
          currency: at('/data/object/currency'),
        },
      }),
    ],
    erase: [{ when: at('/type').eq('customer.deleted'), entity: at('/data/object/id') }],
  }),
);

type Event = Readonly<Record<string, unknown>>;
const invoice = { customer: 'cus_1', amount_paid: 1999, currency: 'eur' };
const event = (n: number, object: object = {}, over: Event = {}): Event => ({
  ...{ id: `evt_${n}`, object: 'event', type: 'invoice.paid', api_version: '2025-03-31.basil', created: 1_760_000_000 },
  data: { object: { ...invoice, ...object } },
  ...over,
});
const usual = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => event(from + i));

class Account {
  readonly lake = new MemoryLake();
  readonly watch = new DriftWatch(['billing'], this.lake.port(), () => NOW);
  readonly put: string[] = [];
  private readonly drift = new SourceDrift('billing', this.watch);

  async take(...events: readonly Event[]) {
    const context = { received_ms: NOW, carriage: 'bus' as CarriageKind };
    const records = events.map((one) => ({ raw: Buffer.from(JSON.stringify(one)), context }));
    const way = { name: 'billing', carriage: context.carriage, intake: compileSource(billing, contracts) };
    return take(records, way, {
      stream: {
        put: async (some) => {
          const lines = some.flatMap(({ data }) => Buffer.from(data).toString().split('\n'));
          this.put.push(...lines.map((line) => JSON.parse(line).event_id));
          return some.map(() => true);
        },
      },
      refuse: async () => {},
      erase: async () => {},
      gaps: async () => {},
      drift: this.drift,
    });
  }

  told() {
    return this.watch.take().map(({ kind, event_type, field: at, found, allowed, records }) => {
      const sentence = `${kind} ${event_type} ${at ?? '-'} ${found} (${allowed})`;
      return records === 1 ? sentence : `${sentence} x${records}`;
    });
  }
}

let account: Account;
beforeEach(() => {
  account = new Account();
});

describe('in mid-stream', () => {
  test('all that differs of an event is told, and the events around it go on', async () => {
    await account.take(...usual(0, 150));
    expect(account.told()).toEqual([]);
    const changed = event(150, { amount_paid: 'nineteen', customer: null }, { api_version: '2026-01-28.clover' });
    const result = await account.take(event(149), changed, event(151));
    expect([...result.refused]).toEqual([['MISSING_ENTITY', 1]]);
    expect(account.put.slice(-2)).toEqual(['billing:evt_149', 'billing:evt_151']);
    expect(account.told()).toEqual([
      'lost_field payment /data/object/customer undefined (string)',
      'changed_type payment /data/object/amount_paid string (decimal)',
      'new_api_version invoice.paid - 2026-01-28.clover (2025-03-31.basil)',
    ]);
  });

  test('of what a map refuses each difference counts once a record', async () => {
    const retyped = [1, 2, 3].map((n) => event(n, { amount_paid: { value: 1999 } }));
    await account.take(...retyped, event(4, {}, { created: '2026-01-01' }), event(5, {}, { created: undefined }));
    expect(account.told()).toEqual([
      'changed_type payment /data/object/amount_paid object (decimal) x3',
      'changed_type payment /created string (number)',
      'lost_field payment /created undefined (number)',
    ]);
  });

  test('who is to be forgotten and is not named is a lost field', async () => {
    const result = await account.take(event(1, { id: null }, { type: 'customer.deleted' }));
    expect([...result.refused]).toEqual([['MISSING_ENTITY', 1]]);
    expect(account.told()).toEqual(['lost_field customer.deleted entity undefined (string)']);
  });

  test('examples lie in the lake, as names and types', async () => {
    await account.take(event(1, { amount_paid: 'secret', customer: 'cus_secret' }));
    await account.watch.keep(account.watch.take());
    const objects = [...account.lake.objects];
    expect(objects).toMatchObject([
      [expect.stringMatching(/^reports\/drift\/dt=2026-01-05\//), [{ source: 'billing', event_type: 'payment' }]],
    ]);
    expect(JSON.stringify(objects)).not.toContain('secret');
  });
});

describe('items that no rule asks for', () => {
  const other = (n: number, type: string) => event(n, {}, { type });

  test('are usual as long as a process is young, and news later, once each', async () => {
    await account.take(other(0, 'charge.refunded'), ...usual(1, 120));
    expect(account.told()).toEqual([]);
    const late = [other(120, 'charge.refunded'), other(121, 'payout.paid'), other(122, 'payout.paid')];
    const { ignored } = await account.take(...late);
    expect([...ignored]).toEqual([
      ['charge.refunded', 1],
      ['payout.paid', 2],
    ]);
    await account.take(other(123, 'payout.paid'));
    expect(account.told()).toEqual(['unknown_item payout.paid - object (null)']);
  });

  test('that a provider makes up fill no memory and no lake', async () => {
    await account.take(...usual(0, 100));
    for (let n = 0; n < 1500; n++) await account.take(other(n, `made.up${'abcdefghij'[n % 10]}.${n}`));
    expect(account.told().length).toBeLessThan(202);
  });
});

describe('versions', () => {
  const made = (n: number, api_version: unknown, type = 'invoice.paid') => event(n, {}, { api_version, type });

  test('the first of each kind of item is its usual one; one that comes back is no news', async () => {
    await account.take(made(1, '2024-06-20'), made(2, '2025-03-31.basil', 'payout.paid'), made(3, '2024-06-20'));
    expect(account.told()).toEqual([]);
    await account.take(made(4, '2025-03-31.basil'), made(5, '2024-06-20'), made(6, '2025-03-31.basil'));
    expect(account.told()).toEqual(['new_api_version invoice.paid - 2025-03-31.basil (2024-06-20)']);
  });

  test('what does not look like one is not told', async () => {
    await account.take(made(1, 'Jane Doe'), made(2, 'jane@example.org'), made(3, null));
    expect(account.told()).toEqual(['new_api_version invoice.paid - other (null)']);
  });
});
