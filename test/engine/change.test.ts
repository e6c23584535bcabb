/** A producer changes in mid-stream; what could not be read is brought in once somebody has seen to it, exactly once. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contractBreaks } from '../../core/definition/compatibility.ts';
import { chunks } from '../../engine/chunks.ts';
import { AFTER, BEFORE, KINDS, NEVER, recordOf, type Sent, Shop } from './change-world.ts';

const CUSTOMERS = 4;

async function stream(shop: Shop, sent: readonly Sent[], upgradeAt = sent.length): Promise<void> {
  for (const batch of chunks(sent.map(recordOf).slice(0, upgradeAt), 20)) await shop.take(batch);
  if (upgradeAt < sent.length) {
    await shop.upgrade(AFTER);
    for (const batch of chunks(sent.map(recordOf).slice(upgradeAt), 20)) await shop.take(batch);
  }
}

/** The world in which the contracts had been right from the start. */
async function ideal(sent: readonly Sent[]) {
  const shop = new Shop(AFTER);
  await stream(shop, sent);
  return shop.values(CUSTOMERS);
}

const every = (rounds: number): Sent[] =>
  Array.from({ length: rounds * KINDS.length }, (_, n) => ({ kind: KINDS[n % KINDS.length]!, customer: n % 3 }));

test('the contracts of after break nobody who was right before', () => {
  expect(contractBreaks(BEFORE.ir.contracts, AFTER.ir.contracts)).toEqual([]);
});

test('features go on, drift is counted by field, the quarantine holds what could not be read, and it comes in once', async () => {
  const sent = every(5);
  const shop = new Shop(BEFORE);
  await stream(shop, sent);

  const orders = (await shop.values(CUSTOMERS)).map(([n]) => n as number);
  expect(orders.reduce((sum, n) => sum + n, 0)).toBe(2 * 5);
  const drift = shop.drift.take().map(({ kind, field, found, records }) => [kind, field, found, records]);
  expect(new Set(drift.map(String))).toEqual(
    new Set(
      [
        ['unknown_field', 'properties.currency', 'string', 5],
        ['lost_field', 'properties.store', 'undefined', 5],
        ['grown_enum', 'properties.channel', 'string', 5],
        ['unknown_schema_version', null, 'number', 5],
        ['unknown_event_type', null, 'string', 5],
        ['changed_type', 'properties.amount', 'object', 5],
        ['lost_field', 'properties.amount', 'undefined', 5],
      ].map(String),
    ),
  );
  expect(shop.lines).toHaveLength(6 * 5);
  expect(new Set(shop.lines.map(({ source }) => source))).toEqual(new Set(['shop']));

  await shop.upgrade(AFTER);
  const dry = await shop.redrive({ dryRun: true });
  expect(dry).toMatchObject({ sent: 4 * 5, refused: { INVALID_FIELD: 5, MISSING_FIELD: 5 }, failed: [] });
  expect(await shop.redrive()).toEqual(dry);
  expect(await shop.values(CUSTOMERS)).toEqual(await ideal(sent));
  expect(shop.lines).toHaveLength(6 * 5);

  expect(await shop.redrive()).toMatchObject({ sent: 0, before: 4 * 5 });
  expect(await shop.values(CUSTOMERS)).toEqual(await ideal(sent));
});

test('a run that dies before it marks puts records back again, and each event counts once', async () => {
  const sent = every(3);
  const shop = new Shop(BEFORE);
  await stream(shop, sent);
  await shop.upgrade(AFTER);
  const dead = { mark: () => Promise.reject(new Error('gone')) };
  await expect(shop.redrive({}, dead)).rejects.toThrow('gone');
  expect(shop.marked.size).toBe(0);
  await shop.redrive();
  expect(await shop.values(CUSTOMERS)).toEqual(await ideal(sent));
  expect(shop.lines.filter(({ reason }) => reason === 'DUPLICATE_EVENT_ID').length).toBeGreaterThan(0);
  expect(await shop.redrive()).toMatchObject({ sent: 0, failed: [] });
});

test('whatever changes, whenever somebody sees to it: the same as if the contracts had been right', async () => {
  const one = fc.record({ kind: fc.constantFrom(...KINDS), customer: fc.nat(CUSTOMERS - 1) });
  const sends = fc.array(one, { minLength: 1, maxLength: 60 }).chain((sent) =>
    fc.record({
      sent: fc.constant(sent as Sent[]),
      upgradeAt: fc.integer({ min: 0, max: sent.length }),
      // Events that their producer sends again, as they were.
      again: fc.array(fc.nat(sent.length - 1), { maxLength: 5 }),
      portion: fc.integer({ min: 1, max: 50 }),
      markFails: fc.boolean(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(sends, async ({ sent, upgradeAt, again, portion, markFails }) => {
      const all = [...sent, ...again.map((n) => ({ ...sent[n]!, repeats: n }))];
      const shop = new Shop(BEFORE);
      await stream(shop, all, upgradeAt);
      if (shop.version === BEFORE) await shop.upgrade(AFTER);
      if (markFails) await shop.redrive({ portion }, { mark: () => Promise.reject(new Error('gone')) }).catch(() => {});
      await shop.redrive({ portion });
      expect(await shop.values(CUSTOMERS)).toEqual(await ideal(sent));
      const left = shop.lines.filter(({ sequence_number }) => !shop.marked.has(`s-0:${sequence_number}`));
      const never = all.filter(({ kind }) => NEVER.has(kind)).length;
      expect(left.filter(({ reason }) => reason !== 'DUPLICATE_EVENT_ID')).toHaveLength(never);
    }),
    { numRuns: 60 },
  );
});
