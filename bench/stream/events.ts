/** Orders as the stream carries them: one JSON text of 200 bytes each. */

import { DAY } from '../../core/values/time.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { randomFrom } from '../random.ts';

export const EVENT_BYTES = 200;
const START_MS = Date.UTC(2026, 5, 1);
const CHANNELS = ['web', 'app', 'store'];

export interface Traffic {
  /** How many events there are. */
  readonly events: number;
  /** Each event falls to one of them by chance. */
  readonly entities: number;
  /** What the events spread over evenly is `events / (entities × daily)` days. @default 1 */
  readonly daily?: number;
  /** Number of the first event: a later piece of the same traffic. @default 0 */
  readonly from?: number;
  readonly seed?: number;
}

export interface Lines {
  /** NDJSON: each line is EVENT_BYTES and a line feed. */
  readonly bytes: Uint8Array;
  readonly arrivals: readonly number[];
  readonly entities: readonly string[];
  readonly first: number;
}

export function linesOf({ events, entities, daily = 1, from = 0, seed = 1 }: Traffic): Lines {
  const random = randomFrom(seed + from);
  const bytes = Buffer.allocUnsafe(events * (EVENT_BYTES + 1));
  const arrivals: number[] = new Array(events);
  const who: string[] = new Array(events);
  const step = DAY / (entities * daily);
  for (let i = 0; i < events; i++) {
    const at = Math.floor(START_MS + (from + i) * step);
    const id = `c-${Math.floor(random() * entities)}`;
    const amount = `${Math.floor(random() * 200)}.${String(Math.floor(random() * 100)).padStart(2, '0')}`;
    const event = {
      event_id: '',
      entity_id: id,
      event_type: 'order',
      event_time: `${new Date(at).toISOString().slice(0, 19)}Z`,
      source: 'shop',
      schema_version: 1,
      properties: {
        amount,
        items: 1 + Math.floor(random() * 20),
        channel: CHANNELS[Math.floor(random() * CHANNELS.length)],
      },
    };
    // The id fills the line up to its length; with a number it is unique.
    event.event_id = String(from + i).padStart(EVENT_BYTES - JSON.stringify(event).length, '0');
    bytes.write(`${JSON.stringify(event)}\n`, i * (EVENT_BYTES + 1), 'latin1');
    // The stream's own clock: a little later than the source's.
    arrivals[i] = at + 40;
    who[i] = id;
  }
  return { bytes, arrivals, entities: who, first: from };
}

/** The records that Lambda hands to the processor. Sequence numbers have 56 digits, as those of Kinesis. */
export function recordsOf({ bytes, arrivals, entities, first }: Lines): StreamRecord[] {
  return arrivals.map((arrival_ms, i) => ({
    position: {
      shard_id: 'shardId-000000000000',
      sequence_number: `4966${String(first + i).padStart(52, '0')}`,
      arrival_ms,
      partition_key: entities[i]!,
    },
    data: bytes.subarray(i * (EVENT_BYTES + 1), (i + 1) * (EVENT_BYTES + 1) - 1),
  }));
}
