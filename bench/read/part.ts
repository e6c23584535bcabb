/** Part `read`: the bytes of one stored state → fifty finalised features, in one Node thread. */
import { Bench } from 'tinybench';
import { decodeState } from '../../core/state/codec.ts';
import { finalise } from '../../core/state/finalise.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import { atLeast, atMost, type Row, row } from '../rows.ts';
import { readView, shop } from '../shop.ts';
import { Engine } from '../stream/engine.ts';
import { linesOf, recordsOf } from '../stream/events.ts';

export interface ReadSizes {
  readonly entities: number;
  /** Events an entity has, at `daily` a day. */
  readonly history: number;
  readonly daily: number;
  /** How long is measured, ms. */
  readonly time_ms: number;
}

/** A month of four orders a day: as active as a customer of the figures for Feast is not. */
export const READ: ReadSizes = { entities: 2_000, history: 120, daily: 4, time_ms: 5_000 };

export async function readRows(sizes: ReadSizes, say: (text: string) => void): Promise<Row[]> {
  const { entities, history, daily, time_ms } = sizes;
  const engine = new Engine(shop(readView()));
  const states = new MemoryStates(engine.plan);
  const { plan } = engine;
  say(`${entities} states of ${history} events`);
  const lines = linesOf({ events: entities * history, entities, daily });
  await engine.throughPorts(recordsOf(lines), 50_000, states);
  const items = [...states.rows.values()];
  const t = lines.arrivals.at(-1)! + 1;
  if (plan.view.features.length !== 50) throw new Error('read: the view must have 50 features');
  let next = 0;
  let checksum = 0;
  const bench = new Bench({ time: time_ms, warmupTime: time_ms / 5, retainSamples: false });
  say('decode and finalise');
  bench.add('decode and finalise', () => {
    const item = items[next]!;
    next = next + 1 < items.length ? next + 1 : 0;
    checksum += finalise(plan, decodeState(plan, item.bytes, item.watermarks), t)[0] as number;
  });
  bench.add('decode alone', () => {
    const item = items[next]!;
    next = next + 1 < items.length ? next + 1 : 0;
    checksum += decodeState(plan, item.bytes, item.watermarks).levels.length;
  });
  await bench.run();
  const [read, decode] = bench.tasks.map((task) => {
    if (!('latency' in task.result)) throw new Error(`read: ${task.name} did not run`);
    return task.result.latency;
  });
  if (!(checksum > 0)) throw new Error('read: found no events in the states');
  const bytes = items.map((item) => item.bytes.length).sort((a, b) => a - b);
  return [
    row('read: decode + finalise 50 features', 1000 / read!.mean, 'vectors/s', atLeast(50_000), {
      'margin of error, percent': read!.rme,
      'decode alone': 1000 / decode!.mean,
      'bytes a state, median': bytes[bytes.length >> 1]!,
    }),
    row('read: decode + finalise 50 features, p99', read!.p99 * 1000, 'µs', atMost(100), {
      p50: read!.p50 * 1000,
      'p99.9': read!.p999 * 1000,
    }),
  ];
}
