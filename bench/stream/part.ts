/** Part `stream`: JSON bytes → contract → dedupe → tiles of three hops → encoded state, in one Node thread. */

import { MemoryStates } from '../../engine/memory/states.ts';
import type { StateRow } from '../../engine/state-row.ts';
import { rateOf, sideBySide } from '../rounds.ts';
import { atLeast, type Row, row, spreadOf } from '../rows.ts';
import { shop, streamView, THREE_HOPS, TWELVE_WINDOWS } from '../shop.ts';
import { Engine, parseOnly } from './engine.ts';
import { linesOf, recordsOf } from './events.ts';

const GOAL = 250_000;
/** A month after the last event: all windows but a lifetime's are empty, and nothing is later. */
const MUCH_LATER = Date.UTC(2100, 0, 1);

export interface StreamSizes {
  readonly events: number;
  readonly entities: number;
  /** Events an entity has before what is measured, at one a day. */
  readonly history: number;
  readonly batches: readonly number[];
  readonly rounds: number;
  /** How many times the entities, and the events, of the growth rows. */
  readonly growth: readonly number[];
}

export const STREAM: StreamSizes = {
  events: 100_000,
  entities: 20_000,
  history: 10,
  batches: [1_000, 10_000, 100_000],
  rounds: 3,
  growth: [1, 4, 16],
};

type Say = (text: string) => void;

/** States after `history` events of each entity, one a day; the traffic goes on behind them. */
async function withHistory(
  engine: Engine,
  entities: number,
  history: number,
  say: Say,
): Promise<Map<string, StateRow>> {
  const states = new MemoryStates(engine.plan);
  const PIECE = 200_000;
  for (let from = 0; from < entities * history; from += PIECE) {
    say(`history of ${entities} entities: event ${from} of ${entities * history}`);
    const events = Math.min(PIECE, entities * history - from);
    await engine.throughPorts(recordsOf(linesOf({ events, entities, from })), 10_000, states);
  }
  return states.rows;
}

export async function streamRows(sizes: StreamSizes, say: Say): Promise<Row[]> {
  return [...(await batchRows(sizes, say)), ...(await entityRows(sizes, say)), ...(await windowRows(sizes, say))];
}

/** The engine at each batch size, beside the core alone and plain JSON.parse, round by round. */
async function batchRows({ events, entities, history, batches, rounds }: StreamSizes, say: Say): Promise<Row[]> {
  const engine = new Engine(shop(streamView(THREE_HOPS)));
  const before = await withHistory(engine, entities, history, say);
  const records = recordsOf(linesOf({ events, entities, from: entities * history }));
  let states = new MemoryStates(engine.plan);
  let items = new Map<string, StateRow>();
  const check = () => {
    const found = engine.total(states.rows, 'orders', MUCH_LATER);
    if (found !== entities * history + events)
      throw new Error(`stream: found ${found} events in the states; allowed: ${entities * history + events}`);
  };
  const passes = batches.flatMap((batch) => [
    {
      name: `processor, batch ${batch}`,
      prepare: () => {
        states = new MemoryStates(engine.plan, { rows: new Map(before) });
      },
      run: async () => void (await engine.throughPorts(records, batch, states)),
    },
    {
      name: `core, batch ${batch}`,
      prepare: () => {
        items = new Map(before);
      },
      run: () => engine.coreOnly(records, batch, items),
    },
  ]);
  const parse = {
    name: 'JSON.parse',
    run: () => {
      if (parseOnly(records) !== events) throw new Error('stream: JSON.parse lost an event');
    },
  };
  const took = await sideBySide([parse, ...passes], rounds, say);
  check();
  const floor = rateOf(events, took.get('JSON.parse')!).median;
  const sizes = spreadOf([...states.rows.values()].map(({ bytes }) => bytes.length));
  return batches.map((batch) => {
    const rate = rateOf(events, took.get(`processor, batch ${batch}`)!);
    const core = rateOf(events, took.get(`core, batch ${batch}`)!);
    return row(`stream engine, batches of ${batch.toLocaleString('en-US')}`, rate.median, 'events/s', atLeast(GOAL), {
      lowest: rate.low,
      highest: rate.high,
      'core without ports': core.median,
      'JSON.parse of the same bytes': floor,
      'bytes a state, median': sizes.median,
    });
  });
}

/** The same number of events over more and more entities. */
async function entityRows({ events, entities, rounds, growth }: StreamSizes, say: Say): Promise<Row[]> {
  const batch = 10_000;
  const engine = new Engine(shop(streamView(THREE_HOPS)));
  const rates: Record<string, number> = {};
  for (const times of growth) {
    const many = entities * times;
    const before = await withHistory(engine, many, 2, say);
    const records = recordsOf(linesOf({ events, entities: many, from: many * 2 }));
    let states = new MemoryStates(engine.plan);
    const pass = {
      name: `${many} entities`,
      prepare: () => {
        states = new MemoryStates(engine.plan, { rows: new Map(before) });
      },
      run: async () => void (await engine.throughPorts(records, batch, states)),
    };
    const took = await sideBySide([pass], Math.min(3, rounds), say);
    rates[`${many.toLocaleString('en-US')} entities`] = rateOf(events, took.get(pass.name)!).median;
  }
  const [[, first], ...rest] = Object.entries(rates) as [[string, number], ...[string, number][]];
  const widest = rest.at(-1) ?? ['', first];
  return [
    row(
      `stream engine, ${widest[0]}, batches of 10,000`,
      widest[1],
      'events/s',
      null,
      Object.fromEntries([[Object.keys(rates)[0]!, first], ...rest.slice(0, -1)]),
    ),
  ];
}

/** The same events through four times as many windows over the same hops: tiles are shared, so it should cost little. */
async function windowRows({ events, entities, rounds }: StreamSizes, say: Say): Promise<Row[]> {
  const batch = 10_000;
  const records = recordsOf(linesOf({ events, entities, from: entities * 2 }));
  const passes = [];
  for (const windows of [THREE_HOPS.slice(0, 1), THREE_HOPS, TWELVE_WINDOWS]) {
    const engine = new Engine(shop(streamView(windows)));
    const before = await withHistory(engine, entities, 2, say);
    let states = new MemoryStates(engine.plan);
    passes.push({
      name: `${windows.length} windows`,
      prepare: () => {
        states = new MemoryStates(engine.plan, { rows: new Map(before) });
      },
      run: async () => void (await engine.throughPorts(records, batch, states)),
    });
  }
  const took = await sideBySide(passes, Math.min(3, rounds), say);
  const rate = (name: string) => rateOf(events, took.get(name)!).median;
  return [
    row('stream engine, 12 windows (108 features), batches of 10,000', rate('12 windows'), 'events/s', null, {
      '1 window, 1 hop': rate('1 windows'),
      '3 windows, 3 hops': rate('3 windows'),
    }),
  ];
}
