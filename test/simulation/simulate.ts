/** One seed, from its first event to the checks. */

import { compareSequence } from '../../core/state/state.ts';
import { sha256 } from '../../core/values/hash.ts';
import { MINUTE } from '../../core/values/time.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { disturb, produce } from './actors.ts';
import type { Compared } from './check-states.ts';
import { check } from './checks.ts';
import { Lane } from './event-source-mapping.ts';
import type { Shard } from './kinesis.ts';
import type { FaultKind, Tally } from './profile.ts';
import { REAL, type Sandbox } from './sandbox.ts';
import { Scorer } from './scorer.ts';
import { World } from './world.ts';

/** ms of virtual time within which all must be delivered once nothing goes wrong any more. */
const MAX_DRAIN = 10 * MINUTE;
/** ms that faults go on after the last event was sent. */
const FAULTY_TAIL = 2 * MINUTE;
/** What was given up is put again by an operator; once faults have stopped, nothing is given up a second time. */
const REDRIVES = 2;

export interface Outcome extends Compared {
  readonly seed: number;
  /** One sentence each; empty: all held. */
  readonly violations: readonly string[];
  readonly tally: Tally;
  /** Records in the stream. */
  readonly events: number;
  /** ms of virtual time from the end of the faults until nothing was left to deliver. */
  readonly drained: number;
  /** Of everything that can be seen at the end: two runs of a seed have the same. */
  readonly digest: string;
}

/** Deterministic: the same seed and sandbox always come to the same outcome. */
export async function simulate(seed: number, sandbox: Sandbox = REAL): Promise<Outcome> {
  const world = new World(seed, sandbox);
  const run = new Run(world);
  return run.outcome();
}

class Run {
  private readonly world: World;
  private readonly lanes: Lane[] = [];
  private readonly scorers: readonly Scorer[];

  constructor(world: World) {
    this.world = world;
    const byShard = new Map<Shard, readonly Lane[][]>();
    const open = (shard: Shard) => {
      const parents = shard.parents.flatMap((parent) => byShard.get(parent)!);
      const own = world.deployments.map((at, d) =>
        Array.from({ length: world.profile.lanes }, (_, n) => {
          const before = parents.length > 0 ? shard.parents.flatMap((parent) => byShard.get(parent)![d]!) : [];
          return new Lane(world, at, shard, n, before);
        }),
      );
      byShard.set(shard, own);
      for (const lane of own.flat()) {
        this.lanes.push(lane);
        lane.start();
      }
    };
    for (const shard of world.stream.shards) open(shard);
    world.pollers = open;
    this.scorers = world.deployments.map((at) => new Scorer(world, at.current));
    for (const scorer of this.scorers) scorer.start();
  }

  async outcome(): Promise<Outcome> {
    const { world } = this;
    let sent = false;
    world.run(async () => {
      await produce(world);
      await world.time.sleep(FAULTY_TAIL);
      world.calmDown();
      sent = true;
    });
    world.run(() => disturb(world));
    await this.until('sending', () => sent, Number.POSITIVE_INFINITY);
    const from = world.time.now;
    for (let i = 0; i <= REDRIVES; i++) {
      await this.until('lag', () => this.lag === 0, from + MAX_DRAIN);
      if (!this.redrive()) break;
    }
    const drained = world.time.now - from;
    await this.until('rest', () => world.open === 0 && this.lag === 0, Number.POSITIVE_INFINITY);
    const compared = { values: 0, marked: 0, laterCopies: 0, toHeal: 0 };
    if (world.violations.length === 0) for (const at of world.deployments) check(world, at, compared);
    return {
      seed: world.seed,
      violations: world.violations,
      tally: this.tally(),
      events: world.records.length,
      drained,
      digest: digest(world),
      ...compared,
    };
  }

  private get lag(): number {
    return [...this.lanes, ...this.scorers].reduce((sum, one) => sum + one.lag, 0);
  }

  private async until(what: string, done: () => boolean, at: number): Promise<void> {
    const { world } = this;
    const end = await world.time.run(() => done() || world.violations.length > 0, at);
    if (end !== 'done') world.violated(`${what}: ${end}, with ${this.lag} undelivered`);
  }

  /** @returns whether there was something to put again */
  private redrive(): boolean {
    const { world } = this;
    const records = world.deployments.flatMap((at) => at.toRedrive.splice(0)).sort(inOrder);
    for (const { position, data } of records) {
      world.note('batch put again');
      world.put({ partition_key: position.partition_key, data, parts: [] });
    }
    return records.length > 0;
  }

  private tally(): Tally {
    const { world } = this;
    const refused = world.deployments.flatMap((at) => [...at.refused.values()].flat());
    const count: Partial<Record<FaultKind, number>> = {
      'refused record': refused.filter(({ reason }) => reason !== 'DUPLICATE_EVENT_ID').length,
      'misrouted record': world.parts.filter(({ result }) => result.ok && result.misrouted).length,
    };
    return { ...world.tally, ...count };
  }
}

/** As `tidemark redrive --since` puts them back. */
function inOrder({ position: a }: StreamRecord, { position: b }: StreamRecord): number {
  return a.shard_id === b.shard_id
    ? compareSequence(a.sequence_number, b.sequence_number)
    : a.shard_id < b.shard_id
      ? -1
      : 1;
}

/** Every stored byte, every refused position and every score. */
function digest({ deployments, time }: World): string {
  const seen = deployments.map((at) => ({
    states: [at.current, ...(at.next ? [at.next] : [])].map(({ states }) =>
      [...states.rows].map(([id, { bytes, version }]) => [id, version, Buffer.from(bytes).toString('base64')]),
    ),
    refused: [...at.refused.keys()],
    scores: [...at.current.scores.scores].map(([id, { record }]) => [id, record.t, record.score]),
  }));
  return sha256(JSON.stringify([time.now, seen]));
}
