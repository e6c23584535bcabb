/** The online store in memory: the real codec's bytes under the real store's conditions. */
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { highestPositions } from '../../core/state/merge.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import type { EntityState } from '../../core/state/state.ts';
import {
  type Positions,
  type StateFlags,
  type StateStore,
  StateTooLargeError,
  type StoredState,
  type Unreadable,
  WHOLE,
} from '../ports.ts';
import { readableStates, type StateRow, storedState } from '../state-row.ts';
import { untilProcessed } from '../until-processed.ts';
import { Faults, ThrottledError } from './faults.ts';

/** How states become bytes and are read again. */
export interface StateCodec {
  encode(plan: ViewPlan, state: EntityState): Uint8Array;
  decode(plan: ViewPlan, bytes: Uint8Array, waterpositions: Positions): EntityState;
}

const CODEC: StateCodec = { encode: encodeState, decode: decodeState };

export interface MemoryStatesOptions {
  /** What a state may have. @default - any number */
  readonly max_bytes?: number;
  /** What is stored at first; changed in place. @default - nothing */
  readonly rows?: Map<string, StateRow>;
}

/** Every call is done at once, as nothing is in between; `port` is the same store behind a way that has faults. */
export class MemoryStates implements StateStore {
  readonly rows: Map<string, StateRow>;
  /** Told of every write: the table's stream. */
  written: (id: string, row: StateRow, before: StateRow | undefined) => void = () => {};
  /** Whether a new entity may not come back. */
  refuses: (id: string) => boolean = () => false;
  private readonly plan: ViewPlan;
  private readonly max_bytes: number;

  constructor(plan: ViewPlan, { max_bytes = Number.POSITIVE_INFINITY, rows = new Map() }: MemoryStatesOptions = {}) {
    this.plan = plan;
    this.rows = rows;
    this.max_bytes = max_bytes;
  }

  async read(ids: readonly string[], unreadable?: Unreadable): Promise<ReadonlyMap<string, StoredState>> {
    return this.get(ids, unreadable);
  }

  async write(
    id: string,
    state: EntityState,
    revision: number | null,
    flags: StateFlags = WHOLE,
  ): Promise<number | 'conflict' | 'erased'> {
    return revision === null && this.refuses(id) ? 'erased' : this.put(id, state, revision, flags);
  }

  async pass(id: string, positions: Positions): Promise<boolean> {
    return this.passOver(id, positions);
  }

  async ready(): Promise<boolean> {
    return true;
  }

  /** As `read` does it. */
  get(ids: readonly string[], unreadable?: Unreadable, { decode }: StateCodec = CODEC): Map<string, StoredState> {
    const { plan, rows } = this;
    const read = (id: string) => {
      const row = rows.get(id);
      return row && storedState(plan, row, decode);
    };
    return readableStates(ids, (id) => id, read, unreadable);
  }

  /** As one invocation reaches it. @param codec of a former release. @default - the code under test */
  port(faults = new Faults(), codec: StateCodec = CODEC): StateStore {
    const { units } = faults;
    return {
      read: async (ids, unreadable) =>
        new Map(
          await untilProcessed(
            ids,
            (open) => faults.patiently('read', () => this.some(open, faults, unreadable, codec)),
            (attempt) => units.wait(attempt),
          ),
        ),
      write: (id, state, revision, flags = WHOLE) => {
        // Asked before the request is on its way.
        const erased = revision === null && this.refuses(id);
        if (erased) return faults.run('write', () => 'erased' as const);
        return faults.patiently('write', () => {
          if (!units.take('write', id)) throw new ThrottledError('the partition has no units left');
          return this.put(id, state, revision, flags, codec);
        });
      },
      pass: (id, positions) => faults.run('write', () => this.passOver(id, positions)),
      ready: () => faults.run('read', () => true),
    };
  }

  /** One request: what its partitions have units for; when that is nothing, it is refused. */
  private some(ids: readonly string[], { units }: Faults, unreadable: Unreadable | undefined, codec: StateCodec) {
    const taken = new Set(ids.filter((id) => units.take('read', id)));
    if (taken.size === 0) throw new ThrottledError('the partitions have no units left');
    return { found: [...this.get([...taken], unreadable, codec)], open: ids.filter((id) => !taken.has(id)) };
  }

  private put(
    id: string,
    state: EntityState,
    revision: number | null,
    flags: StateFlags,
    { encode }: StateCodec = CODEC,
  ): number | 'conflict' {
    const bytes = encode(this.plan, state);
    if (bytes.length > this.max_bytes) throw new StateTooLargeError('state: too large');
    const row = { bytes, watermarks: state.watermarks, revision: (revision ?? 0) + 1, flags };
    return this.replace(id, row, revision) ? bytes.length : 'conflict';
  }

  private passOver(id: string, positions: Positions): boolean {
    const row = this.rows.get(id);
    if (!row) return false;
    const { revision, ...rest } = row;
    const watermarks = highestPositions(row.watermarks, positions);
    return this.putRow(id, { ...rest, watermarks, flags: { ...row.flags, heal: true } }, revision);
  }

  /** Puts a row under the condition on its revision; null: there must be none. */
  putRow(id: string, row: Omit<StateRow, 'revision'>, revision: number | null): boolean {
    return this.replace(id, { ...row, revision: (revision ?? 0) + 1 }, revision);
  }

  private replace(id: string, row: StateRow, revision: number | null): boolean {
    const before = this.rows.get(id);
    if ((before?.revision ?? null) !== revision) return false;
    this.rows.set(id, row);
    this.written(id, row, before);
    return true;
  }
}
