/** One version of the view during one batch: which events are its own, and what an entity starts with. */
import type { CanonicalEvent } from '../../core/ir.ts';
import { seedState } from '../../core/merge.ts';
import { compareSequence, type EntityState, emptyState, HISTORY_SHARD } from '../../core/state.ts';
import type { ViewPlan } from '../../core/view.ts';
import {
  type Joins,
  type Positions,
  type StateMarks,
  type StateStore,
  type StoredState,
  WHOLE,
} from '../shared/ports.ts';
import type { StreamRecord } from '../shared/stream-records.ts';

export interface ViewVersion {
  readonly plan: ViewPlan;
  readonly states: StateStore;
  /** @default - its backfill is complete */
  readonly joins?: Joins;
}

/** What a batch is applied to. */
export interface Basis {
  readonly state: EntityState;
  /** Of the item, null where there is none. */
  readonly version: number | null;
  readonly marks: StateMarks;
  readonly twice: number;
}

export class VersionRun {
  readonly plan: ViewPlan;
  readonly states: StateStore;
  /** Null once the backfill is complete. */
  private readonly positions: Positions | null;

  /** @param records of one shard, in its order */
  static async open({ plan, states, joins }: ViewVersion, records: readonly StreamRecord[]): Promise<VersionRun> {
    const batch = records.map((record) => record.position);
    const positions = batch.length > 0 ? await joins?.positions(batch) : null;
    return new VersionRun(plan, states, positions ?? null);
  }

  private constructor(plan: ViewPlan, states: StateStore, positions: Positions | null) {
    this.plan = plan;
    this.states = states;
    this.positions = positions;
  }

  /** Whether it has all that came before, and takes every event. */
  get joined(): boolean {
    return this.positions === null;
  }

  /**
   * What lies before the join, and all of a shard that has not joined, is the backfill's: applied here too, it would count
   * twice. Afterwards nothing has to be asked:
   * every event before the join was archived, so its entity has the backfill's part, whose watermarks stand right before
   * the join in every shard and skip a late redelivery. An entity without that part has no event there. A zombie that has
   * not seen the fence yet only leaves to the backfill what the backfill has.
   */
  takes({ shard_id, sequence_number }: CanonicalEvent): boolean {
    if (this.positions === null) return true;
    const from = this.positions[shard_id];
    return from !== undefined && compareSequence(sequence_number, from) >= 0;
  }

  /** @param other what the version that serves has of the entity, read before this batch wrote any of it */
  basis(stored: StoredState | undefined, other?: StoredState): Basis {
    const { joined } = this;
    if (stored) {
      const { state, version, marks = WHOLE, twice = 0 } = stored;
      return { state, version, marks: joined ? { ...WHOLE, heal: marks.heal } : marks, twice };
    }
    const seeded = other !== undefined && this.seeds(other);
    const state = seeded ? seedState(this.plan, other.state) : emptyState(this.plan);
    return { state, version: null, marks: { joined, seeded, heal: false }, twice: 0 };
  }

  /**
   * A state that has applied an event from behind the join would make us drop that event as a copy of itself. Positions of
   * shards that nobody registered yet are not known.
   */
  private seeds({ state, marks = WHOLE }: StoredState): boolean {
    const { positions } = this;
    if (positions === null || !marks.joined) return false;
    return Object.entries(state.watermarks).every(([shard, mark]) => {
      const from = positions[shard];
      return shard === HISTORY_SHARD || (from !== undefined && compareSequence(mark, from) < 0);
    });
  }
}
