/** Parts `writes` and `state`: what the churn use case costs in the online store, on the real events. */

import type { Pick } from '../../core/aggregates/picks.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import type { EntityState } from '../../core/state/state.ts';
import { Tiles } from '../../core/state/tiles.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { MAX_EVENT_BYTES } from '../../names/limits.ts';
import churn from '../../usecases/churn/index.ts';
import { atMost, exactly, type Row, row } from '../rows.ts';
import { Engine } from '../stream/engine.ts';
import { ContestedStates } from './contested-states.ts';
import { journey } from './journey.ts';

type Say = (text: string) => void;

export interface ChurnSizes {
  /** The first so many households; null: all. */
  readonly entities: number | null;
  readonly batches: readonly number[];
  /** In one more row, every how many writes another writer is faster. */
  readonly conflictEvery: number;
}

export const CHURN: ChurnSizes = { entities: null, batches: [1, 100, 1_000, 10_000], conflictEvery: 50 };

const engineOf = () =>
  new Engine(churn, {
    replay: true,
    available_lag_ms: churn.replay.available_lag_ms,
    max_bytes: MAX_EVENT_BYTES,
  });

/** The lower bound: no state can be written less than once in a batch that has an event for it. */
function distinctEntities(records: readonly StreamRecord[], batch: number): number {
  let total = 0;
  for (let from = 0; from < records.length; from += batch) {
    total += new Set(records.slice(from, from + batch).map(({ position }) => position.partition_key)).size;
  }
  return total;
}

const perThousand = (n: number, events: number) => (1000 * n) / events;

/** Writes counted where the store gets them; a write that is refused and tried again counts too. */
export async function writeRows({ entities, batches, conflictEvery }: ChurnSizes, say: Say): Promise<Row[]> {
  const records = await journey(entities, say);
  const engine = engineOf();
  const rows: Row[] = [];
  for (const batch of batches) {
    say(`${records.length} events in batches of ${batch}`);
    const states = new ContestedStates(engine.plan);
    await engine.throughPorts(records, batch, states);
    const lowest = perThousand(distinctEntities(records, batch), records.length);
    const name = `DynamoDB writes per 1,000 events, batches of ${batch.toLocaleString('en-US')}`;
    rows.push(
      row(name, perThousand(states.writes, records.length), 'writes', exactly(lowest), {
        'one write an event and view': 1000,
      }),
    );
  }
  const batch = 1_000;
  const states = new ContestedStates(engine.plan, conflictEvery);
  await engine.throughPorts(records, batch, states);
  const lowest = distinctEntities(records, batch);
  rows.push(
    row(
      `DynamoDB writes per 1,000 events, batches of 1,000, every ${conflictEvery}th write lost to another writer`,
      perThousand(states.writes, records.length),
      'writes',
      // Each lost write is tried once more, and no more is written than that.
      exactly(perThousand(lowest + states.refused, records.length)),
      { 'of them lost': perThousand(states.refused, records.length) },
    ),
  );
  return rows;
}

/** What a state would be as JSON: the same tiles, cells and ids, written the obvious way. */
function jsonOf(state: EntityState): string {
  return JSON.stringify(
    { ...state, recent: state.recent.list(), levels: state.levels.map((tiles) => tiles.all()) },
    (_, value) => (isPick(value) ? plainPick(value) : value),
  );
}

const isPick = (value: unknown): value is Pick => typeof value === 'object' && value !== null && 'event_id' in value;

/** Without the bytes that a stored pick holds its id in. */
const plainPick = ({ event_time, available_at, event_id, value }: Pick): Pick => ({
  event_time,
  available_at,
  event_id,
  value,
});

/** @param share 0..1 of the values at or below, by the nearest rank */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export async function stateRows({ entities }: ChurnSizes, say: Say): Promise<Row[]> {
  const records = await journey(entities, say);
  const engine = engineOf();
  const states = new MemoryStates(engine.plan);
  say(`${records.length} events`);
  await engine.throughPorts(records, 1_000, states);
  const sizes: number[] = [];
  const json: number[] = [];
  let tiles = 0;
  let tileBytes = 0;
  for (const { bytes, watermarks } of states.rows.values()) {
    const state = decodeState(engine.plan, bytes, watermarks);
    const without = encodeState(engine.plan, { ...state, levels: engine.plan.levels.map(Tiles.none) });
    sizes.push(bytes.length);
    json.push(Buffer.byteLength(jsonOf(state)));
    tiles += state.levels.reduce((n, level) => n + level.count, 0);
    tileBytes += bytes.length - without.length;
  }
  const jsonAt = (share: number) => ({ 'JSON of the same state': quantile(json, share) });
  return [
    row('churn state, p50', quantile(sizes, 0.5), 'bytes', null, jsonAt(0.5)),
    row('churn state, p99', quantile(sizes, 0.99), 'bytes', atMost(4096), jsonAt(0.99)),
    row('churn state, largest', quantile(sizes, 1), 'bytes', null, jsonAt(1)),
    row('churn state, a tile with all its cells', tileBytes / tiles, 'bytes', null, {
      'tiles a state, mean': tiles / states.rows.size,
      'partials a tile at most': Math.max(...engine.plan.levels.map(({ partials }) => partials.length)),
    }),
  ];
}
