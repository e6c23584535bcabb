import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AlertIR } from '../../core/ir/document.ts';
import { isHeldOut } from '../../core/scores/policy.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import { dispatch } from '../../engine/alerting/dispatch.ts';
import { type Fault, Faults } from '../../engine/memory/faults.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryScores } from '../../engine/memory/scores.ts';
import { MemoryTurns } from '../../engine/memory/turns.ts';
import { score } from '../../engine/score/scoring.ts';
import { compileUseCase } from '../../engine/use-case.ts';
import { ARRIVAL, ir } from './use-case.ts';

const of = (policy: Partial<AlertIR>) => compileUseCase({ ...ir, alerts: { ...ir.alerts, ...policy } });

/** Customers, what they are scored, and a dispatcher that may be asked at any time. */
class World {
  readonly scores = new MemoryScores();
  readonly turns = new MemoryTurns(this.scores);
  readonly lake = new MemoryLake();
  readonly usecase: ReturnType<typeof of>;

  constructor(policy: Partial<AlertIR>) {
    this.usecase = of(policy);
  }

  /** @param by score of each entity */
  async scored(by: Readonly<Record<string, number>>, t: number, faults = new Faults()) {
    const state = applyEvents(this.usecase.plan, emptyState(this.usecase.plan), [
      {
        ...{ event_id: 'e', entity_id: 'x', event_type: 'buy', source: '', source_time: null, schema_version: 1 },
        ...{ event_time: ARRIVAL - 1, available_at: ARRIVAL - 1, properties: { amount: 1, shop: null, note: null } },
        ...{ shard_id: 's', sequence_number: '1' },
      },
    ]).state;
    const ids = Object.keys(by);
    const model = {
      score: async (rows: readonly unknown[]) => ({
        scores: rows.map((_, i) => ({ score: by[ids[i]!]!, contributions: [0, 0] })),
        variant: 'champion',
        model_version: 'm1',
      }),
    };
    const ports = {
      ...{ model, scores: this.scores.port(faults), predictions: this.lake.port(faults) },
      ...{ rates: this.turns.ratesPort(faults), pause: () => Promise.resolve() },
    };
    return score(
      this.usecase,
      ports,
      ids.map((entity_id) => ({ entity_id, state, t })),
      'event',
      t,
    );
  }

  dispatch(now: number, faults = new Faults()) {
    const { name, alerts } = this.usecase.ir;
    return dispatch({ name, alerts: alerts! }, this.turns.port(faults), this.turns.ratesPort(faults), now);
  }

  get told(): string[] {
    return [...this.scores.alerts.keys()].map((key) => key.split(' ')[0]!);
  }
}

test('of those that wait the best are told, as many as the day takes; the next day has its own', async () => {
  const world = new World({ capacity_per_day: 2 });
  const first = await world.scored({ a: 0.85, b: 0.95, c: 0.9 }, ARRIVAL);
  expect(first!.alerts).toEqual({ told: 0, waiting: 3, suppressed: {} });
  expect(await world.dispatch(ARRIVAL + HOUR)).toEqual({ released: 2, suppressed: {}, waiting: 1, doubted: false });
  expect(world.told).toEqual(['b', 'c']);
  expect(await world.dispatch(ARRIVAL + 2 * HOUR)).toMatchObject({ released: 0, waiting: 1 });
  expect(await world.dispatch(ARRIVAL + 13 * HOUR)).toMatchObject({ released: 1, waiting: 0 });
  expect(world.told).toEqual(['b', 'c', 'a']);
});

test('whose turn never came is suppressed, and may alert again with the next score', async () => {
  const world = new World({ capacity_per_day: 1 });
  await world.scored({ a: 0.95, b: 0.9 }, ARRIVAL);
  await world.dispatch(ARRIVAL + HOUR);
  await world.scored({ c: 0.99 }, ARRIVAL + 13 * HOUR);
  await world.dispatch(ARRIVAL + 13 * HOUR);
  expect(await world.dispatch(ARRIVAL + DAY)).toMatchObject({ suppressed: { capacity: 1 }, waiting: 0 });
  expect([...world.scores.suppressed]).toEqual([[`b suppressed#${ARRIVAL}`, 'capacity']]);
  expect((await world.scored({ b: 0.9 }, ARRIVAL + DAY + HOUR))!.alerts.waiting).toBe(1);
});

test('who recovers while they wait is not told of, and may alert again', async () => {
  const world = new World({ capacity_per_day: 1 });
  await world.scored({ a: 0.95 }, ARRIVAL);
  await world.scored({ a: 0.7 }, ARRIVAL + 1);
  expect(await world.dispatch(ARRIVAL + HOUR)).toMatchObject({ released: 0, suppressed: { recovered: 1 } });
  expect((await world.scored({ a: 0.9 }, ARRIVAL + HOUR))!.alerts.waiting).toBe(1);
});

test('who is held out is written down, told of never, and not raised again in the cool-down', async () => {
  const world = new World({ hold_out: 0.5 });
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`e${i}`, 0.9]));
  const { alerts } = (await world.scored(many, ARRIVAL))!;
  const held = Object.keys(many).filter((id) => isHeldOut(world.usecase.ir.alerts!, 'shop', id));
  expect(alerts).toEqual({ told: 40 - held.length, waiting: 0, suppressed: { hold_out: held.length } });
  expect([...world.scores.suppressed.keys()].sort()).toEqual(held.map((id) => `${id} suppressed#${ARRIVAL}`).sort());
  expect((await world.scored(many, ARRIVAL + DAY))!.alerts).toEqual({ told: 0, waiting: 0, suppressed: {} });
});

describe('the guard', () => {
  const calm = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`c${i}`, i < 3 ? 0.9 : 0.1]));
  const wild = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`w${i}`, 0.9]));
  const guard = { share: 0.2, window_ms: DAY };

  test('a jump of the share over the threshold tells nobody about customers; afterwards they are told', async () => {
    const world = new World({ guard });
    expect((await world.scored(calm, ARRIVAL))!.alerts.told).toBe(3);
    expect((await world.scored(wild, ARRIVAL + HOUR))!.alerts).toEqual({
      told: 0,
      waiting: 0,
      suppressed: { guard: 60 },
    });
    // The model was mended; those who are at risk still are told of.
    await world.scored(calm, ARRIVAL + 3 * DAY);
    expect((await world.scored({ w1: 0.9 }, ARRIVAL + 3 * DAY))!.alerts.told).toBe(1);
  });

  test('nothing that waits is released meanwhile', async () => {
    const world = new World({ guard, capacity_per_day: 100 });
    await world.scored(calm, ARRIVAL);
    await world.scored(wild, ARRIVAL + HOUR);
    expect(await world.dispatch(ARRIVAL + 2 * HOUR)).toEqual({
      released: 0,
      suppressed: {},
      waiting: 3,
      doubted: true,
    });
    expect(await world.dispatch(ARRIVAL + 23 * HOUR)).toMatchObject({ released: 0, doubted: true });
  });
});

/** Each alert that was raised has one end, and no day more than its capacity. @param raised `<entity> <t>` */
function endedOnce({ scores, turns }: World, raised: ReadonlySet<string>): void {
  expect(scores.waiting.size).toBe(0);
  const days = [...turns.days.values()];
  expect(days.every((count) => count <= 2)).toBe(true);
  expect(days.reduce((sum, count) => sum + count, 0)).toBe(scores.alerts.size);
  const ended = [...scores.alerts.keys(), ...scores.suppressed.keys()].map((key) => key.replace(/ \w+#/, ' '));
  // Each end is of an alert that was raised, and each alert has one end at most …
  expect(new Set(ended).size).toBe(ended.length);
  for (const one of ended) expect(raised).toContain(one);
  // … and one at least, unless a newer one of the same entity took its place.
  for (const one of raised) {
    const [entity, t] = one.split(' ');
    const newer = [...raised].some(
      (other) => other.startsWith(`${entity} `) && Number(other.split(' ')[1]) > Number(t),
    );
    expect(ended.includes(one) || newer).toBe(true);
  }
}

test('under crashes, lost answers and two dispatchers at once nothing is lost, doubled or above the capacity', async () => {
  const fault = fc.constantFrom<Fault>('none', 'none', 'none', 'before', 'after', 'crash-before', 'crash-after');
  const step = fc.record({
    hours: fc.integer({ min: 1, max: 9 }),
    score: fc.dictionary(fc.constantFrom(...'abcdefghij'), fc.constantFrom(0.3, 0.7, 0.85, 0.9, 0.95), {
      minKeys: 2,
      maxKeys: 8,
    }),
  });
  let [told, closed] = [0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 14 }),
      fc.array(fault, { maxLength: 150 }),
      async (steps, tape) => {
        const world = new World({ capacity_per_day: 2, hold_out: 0.1, cooldown_ms: 2 * DAY });
        const { alerts } = world.usecase.ir;
        let now = ARRIVAL;
        world.scores.alerted = (record) => {
          expect(isHeldOut(alerts!, 'shop', record.entity_id)).toBe(false);
        };
        const raised = new Set<string>();
        world.scores.written = ({ entity_id, t, alert_state }, before) => {
          if (alert_state.last_alert_t === t && before?.alert_state.last_alert_t !== t) raised.add(`${entity_id} ${t}`);
        };
        const next = () => tape.pop() ?? 'none';
        // A slow one goes on with what it read before others were scored and released.
        const slow = () => {
          let ways = 0;
          return new Faults(next, () => (ways++ < 4 ? Promise.resolve() : new Promise((done) => setImmediate(done))));
        };
        const faults = () => new Faults(next);
        const quietly = (work: Promise<unknown>) => work.catch(() => null);
        for (const { hours, score } of steps) {
          now += hours * HOUR;
          const overtaken = quietly(world.dispatch(now, slow()));
          for (let done = false; !done; )
            done = (await quietly(world.scored(score, now, faults()).then(() => true))) === true;
          await Promise.all([
            overtaken,
            quietly(world.dispatch(now, faults())),
            quietly(world.dispatch(now, faults())),
          ]);
        }
        // At last everything is quiet, and a day later nothing waits.
        now += DAY;
        await world.dispatch(now);
        endedOnce(world, raised);
        told += world.scores.alerts.size;
        closed += world.scores.suppressed.size;
      },
    ),
    { numRuns: 250 },
  );
  expect(Math.min(told, closed)).toBeGreaterThan(100);
});
