/** One version of the view during one batch: which events are its own, and what an entity starts with. */
import type { RecordPosition } from '../../core/admission/admit.ts';
import { seedState } from '../../core/state/merge.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import { compareSequence, type EntityState, emptyState, HISTORY_SHARD } from '../../core/state/state.ts';
import { type Cutover, type Cutovers, type StateFlags, type StateStore, type StoredState, WHOLE } from '../ports.ts';
import type { StreamRecord } from '../stream-record.ts';

export interface ViewVersion {
  readonly plan: ViewPlan;
  readonly states: StateStore;
  /** @default - its backfill is complete */
  readonly cutovers?: Cutovers;
}

/** What a batch is applied to. */
export interface Basis {
  readonly state: EntityState;
  /** Of the item, null where there is none. */
  readonly revision: number | null;
  readonly flags: StateFlags;
  readonly twice: number;
}

/** Of a version that never had to cut over: its states hold everything. */
const EVER: Cutover = { complete: true, from: {} };

export class VersionRun {
  readonly plan: ViewPlan;
  readonly states: StateStore;
  /** Whether it takes every event of the batch. */
  readonly takesAll: boolean;
  private readonly at: Cutover;

  /** @param records of one shard, in its order */
  static async open({ plan, states, cutovers }: ViewVersion, records: readonly StreamRecord[]): Promise<VersionRun> {
    const batch = records.map((record) => record.position);
    const at = (batch.length > 0 ? await cutovers?.positions(batch) : null) ?? EVER;
    return new VersionRun(plan, states, at, batch[0]);
  }

  private constructor(plan: ViewPlan, states: StateStore, at: Cutover, first?: RecordPosition) {
    this.plan = plan;
    this.states = states;
    this.at = at;
    this.takesAll = at.complete && (first === undefined || this.takes(first));
  }

  /**
   * What lies before the cutover, and all of a shard that has none yet, is the backfill's: applied here too, it would count
   * twice. That stays so behind the fence: an old batch may come again then, and states say nothing of the
   * cutover. Every event before it was archived, so the backfill's part has it, or its entity was erased.
   */
  takes({ shard_id, sequence_number }: Pick<RecordPosition, 'shard_id' | 'sequence_number'>): boolean {
    const from = this.at.from[shard_id];
    return from === undefined ? this.at.complete : compareSequence(sequence_number, from) >= 0;
  }

  /** @param other what the version that serves has of the entity, read before this batch wrote any of it */
  basis(stored: StoredState | undefined, other?: StoredState): Basis {
    const { complete: whole } = this.at;
    if (stored) {
      const { state, revision, flags = WHOLE, twice = 0 } = stored;
      return { state, revision, flags: whole ? { ...WHOLE, heal: flags.heal } : flags, twice };
    }
    const seeded = other !== undefined && this.seeds(other);
    const state = seeded ? seedState(this.plan, other.state) : emptyState(this.plan);
    return { state, revision: null, flags: { whole, seeded, heal: false }, twice: 0 };
  }

  /**
   * A state that has applied an event from behind the cutover would make us drop that event as a copy of itself. Positions of
   * shards that nobody registered yet are not known.
   */
  private seeds({ state, flags = WHOLE }: StoredState): boolean {
    const { complete, from: positions } = this.at;
    if (complete || !flags.whole) return false;
    return Object.entries(state.watermarks).every(([shard, position]) => {
      const from = positions[shard];
      return shard === HISTORY_SHARD || (from !== undefined && compareSequence(position, from) < 0);
    });
  }
}
