/**
 * Part `growth`: time against the number of events, all else alike: sixteen times the events take at most
 * a fifth more than sixteen times as long. Less than that is what a pass costs however short it is, and no miss.
 */

import { MemoryStates } from '../../engine/memory/states.ts';
import { sideBySide } from '../rounds.ts';
import { atMost, type Row, row } from '../rows.ts';
import { shop, streamView, THREE_HOPS } from '../shop.ts';
import { Engine } from '../stream/engine.ts';
import { linesOf, recordsOf } from '../stream/events.ts';

export interface GrowthSizes {
  readonly events: number;
  readonly entities: number;
  readonly times: readonly number[];
  readonly rounds: number;
}

export const GROWTH: GrowthSizes = { events: 40_000, entities: 20_000, times: [1, 4, 16], rounds: 2 };
const BATCH = 10_000;

/**
 * Before each pass every entity has a month of events at one a day, so that its windows are full and its state as large as
 * it gets: otherwise states grow in the pass, and not the engine but the data would be measured.
 */
export async function growthRows(
  { events, entities, times, rounds }: GrowthSizes,
  say: (text: string) => void,
): Promise<Row[]> {
  const engine = new Engine(shop(streamView(THREE_HOPS)));
  const full = new MemoryStates(engine.plan);
  const history = 32 * entities;
  for (let from = 0; from < history; from += 100_000) {
    say(`history: event ${from} of ${history}`);
    const piece = linesOf({ events: Math.min(100_000, history - from), entities, from });
    await engine.throughPorts(recordsOf(piece), 100_000, full);
  }
  const records = recordsOf(linesOf({ events: events * Math.max(...times), entities, from: history }));
  let states = full;
  const passes = times.map((n) => ({
    name: `×${n}`,
    prepare: () => {
      states = new MemoryStates(engine.plan, { rows: new Map(full.rows) });
    },
    run: async () => void (await engine.throughPorts(records.slice(0, events * n), BATCH, states)),
  }));
  const took = await sideBySide(passes, rounds, say);
  const [first, ...rest] = times.map((n) => ({ n, seconds: took.get(`×${n}`)!.median }));
  return rest.map(({ n, seconds }) => {
    const name = `growth: time for ×${n} the events over ${n} × the time for ×1 (${events.toLocaleString('en-US')})`;
    const ratio = seconds / (n * first!.seconds);
    return row(name, ratio, 'times', atMost(1.2), {
      'ms for ×1': 1000 * first!.seconds,
      [`ms for ×${n}`]: 1000 * seconds,
    });
  });
}
