/** The producer of all sources: nothing lost, an entity's order kept, and an end to its tries. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { OutgoingEvent } from '../../core/intake/intake.ts';
import { type PutRecord, putAll } from '../../engine/intake/put-all.ts';

const event = (entity_id: string, n: number, bytes = 0): OutgoingEvent => ({
  entity_id,
  event_id: `s:${n}`,
  kind: 'k',
  data: Buffer.from(JSON.stringify({ n, fill: 'x'.repeat(bytes) })),
});
const numbersIn = ({ data }: PutRecord) =>
  Buffer.from(data)
    .toString()
    .split('\n')
    .map((line) => (JSON.parse(line) as { n: number }).n);
const pause = async () => {};

describe('putAll', () => {
  test('keeps the order of each entity and loses nothing, however records fail and calls are answered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ entity: fc.constantFrom('a', 'b', 'c'), bytes: fc.constantFrom(0, 400_000) }), {
          maxLength: 12,
        }),
        fc.infiniteStream(fc.constantFrom('all', 'all', 'none', 'some', 'lost answer')),
        async (made, outcomes) => {
          const events = made.map(({ entity, bytes }, n) => event(entity, n, bytes));
          const stream: { readonly key: string; readonly n: number }[] = [];
          const left = await putAll(
            {
              put: async (records) => {
                const outcome = outcomes.next().value;
                const took = records.map((_, i) => outcome !== 'none' && (outcome !== 'some' || i % 2 === 0));
                for (const [i, record] of records.entries())
                  if (took[i]) stream.push(...numbersIn(record).map((n) => ({ key: record.partition_key, n })));
                if (outcome === 'lost answer') throw new Error('socket hang up');
                return took;
              },
            },
            events,
            { pause },
          );
          for (const key of ['a', 'b', 'c']) {
            const put = stream.filter((one) => one.key === key).map(({ n }) => n);
            const first = put.filter((n, i) => put.indexOf(n) === i);
            // What came a second time came after all before it.
            expect(first).toEqual([...first].sort((x, y) => x - y));
            const missing = events.flatMap(({ entity_id }, n) => (entity_id === key && !first.includes(n) ? [n] : []));
            expect(left).toEqual(expect.arrayContaining(missing));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('gives up after its tries with what is left, and at once when its time is over', async () => {
    let calls = 0;
    const sink = {
      put: async (records: readonly PutRecord[]) => {
        calls += 1;
        return records.map(({ partition_key }) => partition_key === 'a');
      },
    };
    const events = [event('b', 0), event('a', 1), event('b', 2)];
    expect(await putAll(sink, events, { pause })).toEqual([0, 2]);
    expect(calls).toBeGreaterThan(4);
    calls = 0;
    expect(await putAll(sink, events, { pause, expired: () => true })).toEqual([0, 2]);
    expect(calls).toBe(1);
  });

  test('puts at most 500 records and 5 MiB in a call, and 1 MiB in a record', async () => {
    const sizes: { records: number; bytes: number; largest: number }[] = [];
    const sink = {
      put: async (records: readonly PutRecord[]) => {
        const own = records.map(({ data, partition_key }) => data.length + partition_key.length);
        sizes.push({ records: own.length, bytes: own.reduce((a, b) => a + b, 0), largest: Math.max(...own) });
        return records.map(() => true);
      },
    };
    const many = Array.from({ length: 1200 }, (_, n) => event(`e${n}`, n));
    const large = Array.from({ length: 20 }, (_, n) => event(`l${n % 7}`, n, 700_000));
    expect(await putAll(sink, [...many, ...large], { pause })).toEqual([]);
    expect(
      sizes.every(({ records, bytes, largest }) => records <= 500 && bytes <= 5 * 2 ** 20 && largest <= 2 ** 20),
    ).toBe(true);
    expect(sizes.reduce((all, { records }) => all + records, 0)).toBe(1220);
  });
});
