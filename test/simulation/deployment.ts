import { ByteReader } from '../../core/bytes.ts';
import type { FeatureViewIR } from '../../core/ir.ts';
import { compareSequence } from '../../core/state.ts';
import { compileView, type ViewPlan } from '../../core/view.ts';
import type { ProcessorRules } from '../../lambdas/processor/process.ts';
import type { QuarantineLine } from '../../lambdas/processor/quarantine.ts';
import type { ReplayClock } from '../../lambdas/shared/ports.ts';
import type { Candidate } from '../../lambdas/shared/scoring.ts';
import type { StreamRecord } from '../../lambdas/shared/stream-records.ts';
import { type Faults, MemoryLake, MemoryScores, MemoryStates, type Row, type StateCodec } from '../lambdas/memory.ts';
import { CODEC_V1 } from './codec-v1-writer.ts';
import type { World } from './world.ts';

/** A new state as the table's stream tells it. */
export interface Image {
  readonly entity_id: string;
  readonly row: Row;
}

/** A vector that was served, and the state it was made from. */
export interface Served extends Candidate {
  readonly values: readonly unknown[];
}

/** One view with its own processor, online table, quarantine and scorer, on the stream that all read. */
export class Deployment {
  readonly view: FeatureViewIR;
  readonly plan: ViewPlan;
  readonly rules: ProcessorRules;
  readonly states: MemoryStates;
  readonly quarantine = new MemoryLake();
  readonly scores = new MemoryScores();
  /** What the event source mapping gave up: the on-failure destination. */
  readonly givenUp = new Set<StreamRecord>();
  /** What of it is not yet put again. */
  readonly toRedrive: StreamRecord[] = [];
  /** Data of records that were put again under their own entity. */
  readonly rerouted = new Set<string>();
  readonly images: Image[] = [];
  readonly served: Served[] = [];
  readonly replayClock: { now: number | null } = { now: null };
  /** That of the release before, until the upgrade. */
  codec: StateCodec | undefined;

  constructor(world: World, view: FeatureViewIR) {
    this.view = view;
    this.plan = world.sandbox.plan(compileView(view));
    this.rules = { contracts: world.contracts, plan: this.plan, admit: world.admitOptions };
    this.states = new MemoryStates(this.plan);
    this.states.written = (entity_id, row, before) => {
      this.images.push({ entity_id, row });
      if (before) onlyForward(world, entity_id, row, before);
      world.time.changed();
    };
    this.scores.written = (record, before) => {
      if (before && before.t > record.t) world.violated(`${record.entity_id}: a served score went back in time`);
    };
    if (world.profile.upgrade && !this.plan.ledger) this.codec = CODEC_V1;
  }

  clockPort(faults: Faults): ReplayClock {
    const at = this.replayClock;
    return {
      read: () => faults.run('read', () => at.now),
      advance: (to) =>
        faults.run('put', () => {
          at.now = Math.max(at.now ?? 0, to);
        }),
    };
  }

  /** Refused records by position. */
  get refused(): Map<string, QuarantineLine[]> {
    const byPosition = new Map<string, QuarantineLine[]>();
    for (const line of [...this.quarantine.objects.values()].flat() as QuarantineLine[]) {
      const at = placeOf(line);
      byPosition.set(at, [...(byPosition.get(at) ?? []), line]);
    }
    return byPosition;
  }
}

export function placeOf({ shard_id, sequence_number }: { shard_id: string; sequence_number: string }): string {
  return `${shard_id} ${sequence_number}`;
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
