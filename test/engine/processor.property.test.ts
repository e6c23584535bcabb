import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareSequence } from '../../core/state/state.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { type QuarantineLine, writeQuarantine } from '../../engine/ingest/quarantine.ts';
import { type Fault, Faults } from '../../engine/memory/faults.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { ARRIVAL, purchase, RULES, record, usecase } from './use-case.ts';

const SHARDS = ['shardId-000000000000', 'shardId-000000000001'];

/** What a producer sent: good events, retries under the same id, and records that break their contract. */
const sent = fc.array(
  fc.record({
    /** After a split of a shard, an entity's events lie in two. */
    shard: fc.constantFrom(0, 1),
    entity: fc.constantFrom('ann', 'bob', 'cy'),
    id: fc.integer({ min: 0, max: 6 }),
    amount: fc.integer({ min: -50, max: 50 }),
    shop: fc.constantFrom('a', 'b', 'c'),
    age: fc.integer({ min: 0, max: 40 * 86_400_000 }),
    broken: fc.nat({ max: 5 }).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: 40 },
);

type Sent = (typeof sent extends fc.Arbitrary<infer T> ? T : never)[number];

function shardsOf(facts: readonly Sent[]): StreamRecord[][] {
  const shards: StreamRecord[][] = SHARDS.map(() => []);
  facts.forEach(({ shard, entity, id, amount, shop, age, broken }, i) => {
    const arrival_ms = ARRIVAL + i;
    const event = purchase(entity, `${entity}-${shard}-${id}`, {
      event_time: new Date(arrival_ms - age).toISOString(),
      properties: broken ? { amount: 'much' } : { amount, shop, note: `n${i}` },
    });
    shards[shard]!.push(record(event, 1000 + i, { shard: SHARDS[shard], arrival_ms }));
  });
  return shards;
}

interface World {
  readonly states: MemoryStates;
  readonly lake: MemoryLake;
}

function world(): World {
  return { states: new MemoryStates(usecase.plan), lake: new MemoryLake() };
}

/** One invocation. @returns the lowest position to deliver again: `all` when it threw */
async function invoke(on: World, batch: readonly StreamRecord[], faults: Faults): Promise<string | null | 'all'> {
  const sink = on.lake.port(faults);
  try {
    const { failed } = await processBatch(batch, RULES, {
      states: on.states.port(faults),
      quarantine: (lines) => writeQuarantine(sink, lines),
      reroute: () => Promise.reject(new Error('nothing is misrouted here')),
      clock: null,
      onFailure: () => {},
      pause: () => Promise.resolve(),
    });
    return failed;
  } catch {
    return 'all';
  }
}

/** A shard's poller with Lambda's rules: batches in order, again from the lowest failed one, halved after an error. */
async function poll(on: World, shard: readonly StreamRecord[], chance: Chance): Promise<void> {
  let size = 1 + chance.int(12);
  for (let at = 0; at < shard.length; ) {
    const batch = shard.slice(at, at + size);
    const zombie = chance.int(3) === 0 ? shard.slice(chance.int(at + 1), at + 1 + chance.int(size)) : [];
    const [failed] = await Promise.all([
      invoke(on, batch, new Faults(chance.fault)),
      // A second poller, or an invocation that timed out and still runs: any earlier part again, at the same time.
      zombie.length > 0 ? invoke(on, zombie, new Faults(chance.fault)) : null,
    ]);
    if (failed === null) at += batch.length;
    else if (failed === 'all') size = Math.max(1, Math.floor(size / 2));
    else at = shard.findIndex((one) => one.position.sequence_number === failed);
    if (failed === null) size = 1 + chance.int(12);
  }
}

/** Draws from a finite tape, so that every run ends and shrinks; afterwards nothing goes wrong any more. */
class Chance {
  private at = 0;
  private readonly tape: readonly number[];

  constructor(tape: readonly number[]) {
    this.tape = tape;
  }

  int(below: number): number {
    const drawn = this.tape[this.at++];
    return drawn === undefined ? below - 1 : Math.floor(drawn / 7) % below;
  }

  readonly fault = (): Fault => {
    const faults: readonly Fault[] = ['before', 'after', 'crash-before', 'crash-after'];
    return faults[this.int(14)] ?? 'none';
  };
}

/** States by entity, and the refused records by position: what must come out whatever goes wrong. */
function outcome(on: World) {
  const lines = [...on.lake.objects.values()].flat() as QuarantineLine[];
  const refused = new Map(lines.map((line) => [`${line.shard_id} ${line.sequence_number}`, line]));
  return {
    states: [...on.states.rows]
      .map(([id, row]) => ({ id, bytes: Buffer.from(row.bytes).toString('hex'), watermarks: row.watermarks }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    refused: [...refused.values()].sort((a, b) => compareSequence(a.sequence_number, b.sequence_number)),
  };
}

describe('exactly-once effect', () => {
  test('any redelivery, crash, lost answer, throttling, bisection or second poller ends like one clean pass', async () => {
    let writes = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(sent, fc.array(fc.nat({ max: 999 }), { maxLength: 300 }), async (facts, tape) => {
        const shards = shardsOf(facts);
        const clean = world();
        for (const shard of shards) if (shard.length > 0) await invoke(clean, shard, new Faults());
        const faulty = world();
        const chance = new Chance(tape);
        await Promise.all(shards.map((shard) => poll(faulty, shard, chance)));
        expect(outcome(faulty)).toEqual(outcome(clean));
        writes += [...faulty.states.rows.values()].reduce((n, row) => n + row.revision, 0);
        refused += outcome(clean).refused.length;
      }),
      { numRuns: 800 },
    );
    // The runs were no empty shells.
    expect(writes).toBeGreaterThan(400);
    expect(refused).toBeGreaterThan(100);
  });
});
