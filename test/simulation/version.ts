import type { FeatureValue, FeatureViewIR } from '../../core/ir/document.ts';
import { compileView, type ViewPlan } from '../../core/state/plan.ts';
import { compareSequence } from '../../core/state/state.ts';
import { ByteReader } from '../../core/values/bytes.ts';
import { MINUTE } from '../../core/values/time.ts';
import type { ViewVersion } from '../../engine/ingest/view-run.ts';
import type { Faults } from '../../engine/memory/faults.ts';
import { MemoryScores } from '../../engine/memory/scores.ts';
import { MemoryStates, type StateCodec } from '../../engine/memory/states.ts';
import type { Joins } from '../../engine/ports.ts';
import type { Candidate } from '../../engine/score/scoring.ts';
import type { StateRow } from '../../engine/state-row.ts';
import { Alerting } from './alerting.ts';
import { CODEC_V1 } from './codec-v1-writer.ts';
import type { Ground } from './ground.ts';

/** ms from the first batch of a new version until it joins: longer than clocks are apart in a seed that has one. */
const JOIN_AFTER = 2 * MINUTE;

/** A new state as the table's stream tells it. */
export interface Image {
  readonly entity_id: string;
  readonly row: StateRow;
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
  readonly alerting: Alerting;
  readonly images: Image[] = [];
  readonly served: Served[] = [];
  /** Shard → where it joined the stream. */
  readonly joined: Record<string, string> = {};
  /** Shard → the last position that was left to the backfill before. */
  readonly left: Record<string, string> = {};
  private joins_at: number | null = null;
  /** ms UTC, from when on functions may not keep it up; null: they do, or it never began. */
  retired_at: number | null = null;
  /** Whether it has all that came before. */
  fenced: boolean;
  /** For messages. */
  readonly name: string;
  /** That of the release before, until the upgrade. */
  codec: StateCodec | undefined;
  private readonly world: Ground;

  /** @param fenced false: it joins a stream that runs, and a backfill brings what came before */
  constructor(world: Ground, view: FeatureViewIR, fenced: boolean) {
    this.world = world;
    this.view = view;
    this.plan = world.sandbox.plan(compileView(view));
    this.fenced = fenced;
    this.name = fenced ? 'the version that serves' : 'the next version';
    this.states = new MemoryStates(this.plan);
    this.alerting = new Alerting(world, this.scores);
    this.states.written = (entity_id, row, before) => {
      this.images.push({ entity_id, row });
      if (before) onlyForward(world, entity_id, row, before);
      world.time.changed();
    };
    this.states.refuses = (entity_id) => world.isErased(entity_id);
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

  /** What lambdas/aws/dynamo/joins.ts keeps in one item, each of its requests at one instant. */
  private joinsPort(faults: Faults): Joins {
    return {
      positions: async (batch) => {
        const { shard_id, sequence_number: last } = batch.at(-1)!;
        const joins_at = await faults.run('put', () => (this.retired_at === null ? this.announce() : null));
        return faults.run('put', () => {
          if (this.fenced) return { complete: true, from: { ...this.joined } };
          const retired = this.retired_at !== null;
          const first = batch.find(({ arrival_ms }) => !retired && joins_at !== null && arrival_ms >= joins_at);
          if (first) this.joined[shard_id] ??= first.sequence_number;
          const left = this.left[shard_id];
          if ((retired || !this.joined[shard_id]) && (!left || compareSequence(left, last) < 0))
            this.left[shard_id] = last;
          return { complete: false, from: retired ? {} : { ...this.joined } };
        });
      },
    };
  }

  /** By a function that does not keep it up: lambdas/aws/dynamo/retirement.ts, in one transaction. */
  retire(): void {
    if (!this.fenced && this.joins_at === null) return;
    this.fenced = false;
    this.retired_at ??= this.world.now;
  }

  /** By the backfill, when its states are deleted: all but what was left to the backfill is forgotten. */
  beginAnew(): void {
    for (const shard of Object.keys(this.joined)) delete this.joined[shard];
    this.joins_at = null;
    this.retired_at = null;
    this.world.note('version that came back');
  }

  /** @returns when it joins, ms UTC; fixed the first time that somebody asks */
  announce(): number {
    this.joins_at ??= this.world.now + JOIN_AFTER;
    return this.joins_at;
  }
}

/** What a state knows only grows: its version, its newest times, and the watermark of every shard. */
function onlyForward(world: Ground, entity: string, row: StateRow, before: StateRow): void {
  if (before.bytes[0] === 1 && row.bytes[0] !== 1) world.note('codec upgrade');
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
