/**
 * How Lambda reads a stream: the records of a shard in order, in batches, again from the lowest failed one, halved after an
 * error, given up after the last retry; children of a shard after their parents. And how it misbehaves: a batch or a part of
 * it may come again at any later time, and a second poller may read the same shard.
 */
import { murmur3 } from '../../core/values/hash.ts';
import { HOUR, MINUTE } from '../../core/values/time.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import type { Deployment } from './deployment.ts';
import { invoke } from './invocation.ts';
import type { Shard } from './kinesis.ts';
import type { World } from './world.ts';

const MAX_BACKOFF = 20_000;
const STRAY_DELAYS = [0, 0, 1000, 10 * MINUTE, 24 * HOUR];

/** Records [from, to) of a lane that are delivered together. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly failures: number;
}

/** The records of one shard with the same remainder of their key's hash: they are never delivered at the same time. */
export class Lane {
  private readonly world: World;
  private readonly at: Deployment;
  private readonly shard: Shard;
  private readonly number: number;
  private readonly parents: readonly Lane[];
  /** Everything before this is processed or given up. */
  private checkpoint = 0;
  private ended: Promise<void> | null = null;

  constructor(world: World, at: Deployment, shard: Shard, number: number, parents: readonly Lane[]) {
    this.world = world;
    this.at = at;
    this.shard = shard;
    this.number = number;
    this.parents = parents;
  }

  get lag(): number {
    return this.records().length - this.checkpoint;
  }

  start(): void {
    this.ended = this.world.watch(() => this.poll());
  }

  private records(): readonly StreamRecord[] {
    const { lanes } = this.world.profile;
    if (lanes === 1) return this.shard.records;
    return this.shard.records.filter(({ position }) => laneOf(position.partition_key, lanes) === this.number);
  }

  private async poll(): Promise<void> {
    const { world } = this;
    await Promise.all(this.parents.map((parent) => parent.ended));
    for (;;) {
      const records = this.records();
      if (this.checkpoint === records.length) {
        if (this.shard.closed) return;
        await world.time.change();
        await world.time.sleep(world.chance.int(1000));
        continue;
      }
      if (world.fails(world.profile.secondPollers)) this.secondPoller();
      const size = 1 + world.chance.int(world.profile.batchSize);
      const to = Math.min(records.length, this.checkpoint + size);
      await this.deliver({ from: this.checkpoint, to, failures: 0 }, (done) => {
        this.checkpoint = Math.max(this.checkpoint, done);
      });
    }
  }

  /** Reads on from the same place as the first one for a while, and neither knows of the other. */
  private secondPoller(): void {
    const { world, checkpoint } = this;
    world.note('second poller');
    const batches = 1 + world.chance.int(4);
    world.run(async () => {
      let from = checkpoint;
      for (let i = 0; i < batches; i++) {
        const to = Math.min(this.records().length, from + 1 + world.chance.int(world.profile.batchSize));
        if (to > from) await this.deliver({ from, to, failures: 0 }, () => {});
        from = to;
      }
    });
  }

  /** @param processed told how far all is processed or given up */
  private async deliver(first: Span, processed: (to: number) => void): Promise<void> {
    const { world } = this;
    const records = this.records();
    const open: Span[] = [first];
    for (let span = open.pop(); span !== undefined; span = open.pop()) {
      if (world.fails(world.profile.strays)) this.stray(span.from, span.to);
      const batch = records.slice(span.from, span.to);
      const failed = await invoke(world, this.at, batch);
      if (failed === null) {
        processed(span.to);
        continue;
      }
      const rest = this.after(span, failed, batch);
      if (rest.from > span.from) processed(rest.from);
      open.push(...this.again(rest, failed === 'all'));
      if (open.length === 0) processed(span.to);
      else await world.time.sleep(Math.min(MAX_BACKOFF, 100 * 2 ** rest.failures));
    }
  }

  /** What is left of a span after a failure. */
  private after({ from, to, failures }: Span, failed: string, batch: readonly StreamRecord[]): Span {
    if (failed === 'all') return { from, to, failures };
    const place = batch.findIndex(({ position }) => position.sequence_number === failed);
    if (place < 0) this.world.violated(`found ${failed} as the lowest failed position; allowed: one of the batch`);
    if (batch.length > 1) this.world.note('partial failure');
    return { from: from + Math.max(0, place), to, failures };
  }

  /** The next deliveries of what failed, last first. */
  private again({ from, to, failures }: Span, whole: boolean): Span[] {
    const { world } = this;
    if (whole && world.profile.bisect && to - from > 1) {
      world.note('bisect');
      const middle = from + ((to - from) >> 1);
      return [
        { from: middle, to, failures },
        { from, to: middle, failures },
      ];
    }
    if (failures >= world.profile.maxRetries) {
      world.note('batch given up');
      this.giveUp(this.records().slice(from, to));
      return [];
    }
    world.note(to - from > 1 ? 'redelivered batch' : 'redelivered record');
    return [{ from, to, failures: failures + 1 }];
  }

  private giveUp(records: readonly StreamRecord[]): void {
    for (const record of records) this.at.givenUp.add(record);
    this.at.toRedrive.push(...records);
  }

  /** Some of what was delivered before comes again, now or much later, and however it ends. */
  private stray(from: number, to: number): void {
    const { world } = this;
    const first = world.chance.int(Math.min(from, this.checkpoint) + 1);
    const batch = this.records().slice(first, first + 1 + world.chance.int(to - first));
    const delay = world.chance.pick(STRAY_DELAYS);
    world.note('reordered tail');
    world.run(async () => {
      await world.time.sleep(delay);
      await invoke(world, this.at, batch);
    });
  }
}

function laneOf(partition_key: string, lanes: number): number {
  return murmur3(Buffer.from(partition_key, 'utf8'), 7) % lanes;
}
