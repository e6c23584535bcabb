import { ByteReader } from '../../core/bytes.ts';
import type { FeatureValue, FeatureViewIR } from '../../core/ir.ts';
import { compareSequence } from '../../core/state.ts';
import { compileView, type ViewPlan } from '../../core/view.ts';
import type { ViewVersion } from '../../lambdas/processor/version.ts';
import type { Joins } from '../../lambdas/shared/ports.ts';
import type { Candidate } from '../../lambdas/shared/scoring.ts';
import { type Faults, MemoryScores, MemoryStates, type Row, type StateCodec } from '../lambdas/memory.ts';
import { CODEC_V1 } from './codec-v1-writer.ts';
import type { World } from './world.ts';

/** A new state as the table's stream tells it. */
export interface Image {
  readonly entity_id: string;
  readonly row: Row;
}

/** A vector that was served, and the state it was made from. */
export interface Served extends Candidate {
  readonly values: readonly FeatureValue[];
}

/** One version of a view: its items in the online table, and what was made of them. */
export class Version {
  readonly view: FeatureViewIR;
  readonly plan: ViewPlan;
  readonly states: MemoryStates;
  readonly scores = new MemoryScores();
  readonly images: Image[] = [];
  readonly served: Served[] = [];
  /** Shard → where it joined the stream. */
  readonly joined: Record<string, string> = {};
  /** Whether it has all that came before. */
  fenced: boolean;
  /** For messages. */
  readonly name: string;
  /** That of the release before, until the upgrade. */
  codec: StateCodec | undefined;
  private readonly world: World;

  /** @param fenced false: it joins a stream that runs, and a backfill brings what came before */
  constructor(world: World, view: FeatureViewIR, fenced: boolean) {
    this.world = world;
    this.view = view;
    this.plan = world.sandbox.plan(compileView(view));
    this.fenced = fenced;
    this.name = fenced ? 'the version that serves' : 'the next version';
    this.states = new MemoryStates(this.plan);
    this.states.written = (entity_id, row, before) => {
      this.images.push({ entity_id, row });
      if (before) onlyForward(world, entity_id, row, before);
      world.time.changed();
    };
    this.scores.written = (record, before) => {
      if (before && before.t > record.t) world.violated(`${record.entity_id}: a served score went back in time`);
    };
    if (fenced && world.profile.upgrade && !this.plan.ledger) this.codec = CODEC_V1;
  }

  /** As one invocation reaches it. */
  port(faults: Faults): ViewVersion {
    const states = this.world.sandbox.states(this.states.port(faults, this.codec), this.states);
    return { plan: this.plan, states, joins: this.world.sandbox.joins(this.joinsPort(faults)) };
  }

  private joinsPort(faults: Faults): Joins {
    return {
      positions: (shard_id, first) =>
        faults.run('read', () => {
          if (this.fenced) return null;
          this.joined[shard_id] ??= first;
          return { ...this.joined };
        }),
    };
  }
}

/** What a state knows only grows: its version, its newest times, and the watermark of every shard. */
function onlyForward(world: World, entity: string, row: Row, before: Row): void {
  if (before.bytes[0] === 1 && row.bytes[0] === 2) world.note('codec upgrade');
  const [was, is] = [newestTimes(before.bytes), newestTimes(row.bytes)];
  if (is.some((time, i) => time < was[i]!)) world.violated(`${entity}: the newest times of its state went back`);
  if (row.version !== before.version + 1) world.violated(`${entity}: version ${row.version} after ${before.version}`);
  for (const [shard, mark] of Object.entries(before.watermarks)) {
    const now = row.watermarks[shard];
    if (now === undefined || compareSequence(now, mark) < 0)
      world.violated(`${entity}: the watermark of ${shard} went back from ${mark} to ${now}`);
  }
}

/** Newest event time and arrival: both codecs begin with them. */
function newestTimes(bytes: Uint8Array): readonly number[] {
  const from = new ByteReader(bytes, 1);
  return [from.varint(), from.varint()];
}
