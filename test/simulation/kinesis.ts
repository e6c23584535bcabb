/** A Kinesis stream: shards by hash of the partition key, that split and merge; an order in each shard only. */
import { murmur3 } from '../../core/values/hash.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';

const HASHES = 2 ** 32;
/** Two digits' lengths meet within a run: sequence numbers are no texts to be compared as such. */
const FIRST_SEQUENCE = 10n ** 21n - 40n;

export interface Shard {
  readonly id: string;
  readonly low: number;
  readonly high: number;
  readonly parents: readonly Shard[];
  readonly records: StreamRecord[];
  closed: boolean;
  /** ms that its arrival times are off. */
  skew: number;
}

export class Kinesis {
  readonly shards: Shard[] = [];
  private sequence = FIRST_SEQUENCE;
  private readonly born: (shard: Shard) => void;

  /** @param born told of every shard that a split or a merge makes */
  constructor(count: number, born: (shard: Shard) => void) {
    this.born = born;
    for (let i = 0; i < count; i++) this.add((HASHES / count) * i, (HASHES / count) * (i + 1), []);
  }

  get open(): Shard[] {
    return this.shards.filter((shard) => !shard.closed);
  }

  /** @param arrival_ms by a right clock. @param shard where the producer names the place itself */
  put(partition_key: string, data: Uint8Array, arrival_ms: number, shard?: Shard): StreamRecord {
    const hash = murmur3(Buffer.from(partition_key, 'utf8'), 0);
    const to = shard ?? this.open.find(({ low, high }) => hash >= low && hash < high)!;
    this.sequence += 1n + BigInt(hash % 3);
    const position = {
      shard_id: to.id,
      sequence_number: String(this.sequence),
      arrival_ms: arrival_ms + to.skew,
      partition_key,
    };
    const record = { position, data };
    to.records.push(record);
    return record;
  }

  split(shard: Shard): void {
    const middle = Math.floor((shard.low + shard.high) / 2);
    shard.closed = true;
    this.add(shard.low, middle, [shard]);
    this.add(middle, shard.high, [shard]);
  }

  /** @returns false when no two open shards are neighbours */
  merge(): boolean {
    const open = this.open.sort((a, b) => a.low - b.low);
    const [left, right] = open;
    if (!left || !right) return false;
    left.closed = true;
    right.closed = true;
    this.add(left.low, right.high, [left, right]);
    return true;
  }

  private add(low: number, high: number, parents: readonly Shard[]): void {
    const id = `shardId-${String(this.shards.length).padStart(12, '0')}`;
    const shard: Shard = { id, low, high, parents, records: [], closed: false, skew: parents[0]?.skew ?? 0 };
    this.shards.push(shard);
    this.born(shard);
  }
}
