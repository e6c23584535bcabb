/** How events reach the processor: batches of shards, in an order that Kinesis and Lambda may choose. */
import { hash53 } from '../../core/values/hash.ts';
import { chunks } from '../chunks.ts';
import type { StreamRecord } from '../stream-record.ts';
import type { InputEvent } from './evaluation.ts';

export interface DeliveryOptions {
  /** Records a batch, at most. */
  readonly batch: number;
  /**
   * A seed: events lie in three shards that overtake each other, batches have any size, and some are delivered twice.
   * @default - one shard, in order of arrival
   */
  readonly shuffle?: number;
}

/** An event that waits for its delivery. */
export interface Waiting extends InputEvent {
  /** Place in the order of arrival. */
  readonly arrival: number;
  /** A copy became known earlier. */
  readonly copy: boolean;
  /** Readers at a later `t` than this, ms UTC, have to know it. */
  readonly due: number;
}

/** An event in its place in the stream. */
export interface Parcel {
  readonly item: Waiting;
  readonly record: StreamRecord;
}

type Batches = Iterable<readonly Parcel[]>;

const SHARDS = 3;
/** One batch of so many is delivered twice. */
const REDELIVERED = 4;

/** @returns what makes batches of events that arrived, in order of arrival; positions go on from call to call */
export function deliveries({ batch, shuffle }: DeliveryOptions): (arrived: readonly Waiting[]) => Batches {
  let sequence = 0;
  const parcel = (item: Waiting, shard: number): Parcel => ({
    item,
    record: {
      data: item.data,
      position: {
        shard_id: `shardId-${String(shard).padStart(12, '0')}`,
        sequence_number: String(++sequence),
        arrival_ms: item.event.available_at,
        partition_key: item.event.entity_id,
      },
    },
  });
  if (shuffle === undefined) {
    return (arrived) => chunks(arrived, batch).map((some) => some.map((item) => parcel(item, 0)));
  }
  let draws = 0;
  const below = (n: number) => hash53(`${shuffle} ${draws++}`) % n;
  return function* (arrived) {
    // No shard runs further ahead of the others than a batch of each.
    for (const some of chunks(arrived, SHARDS * batch)) {
      const shards: Parcel[][] = Array.from({ length: SHARDS }, () => []);
      for (const item of some) {
        // The copies of an event share a shard: the order of a shard is what says which of them came first.
        const shard = hash53(`${shuffle} ${item.event.entity_id}\n${item.event.event_id}`) % SHARDS;
        shards[shard]!.push(parcel(item, shard));
      }
      yield* overtaking(shards, batch, below);
    }
  };
}

function* overtaking(shards: readonly Parcel[][], batch: number, below: (n: number) => number): Batches {
  let open = shards.filter((shard) => shard.length > 0);
  while (open.length > 0) {
    const records = open[below(open.length)]!.splice(0, 1 + below(batch));
    yield records;
    if (below(REDELIVERED) === 0) yield records;
    open = open.filter((shard) => shard.length > 0);
  }
}
