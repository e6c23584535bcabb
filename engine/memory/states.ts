/** The online store in memory: the real codec's bytes under the real store's conditions. */
import { decodeState, encodeState } from '../../core/state/codec.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import type { EntityState } from '../../core/state/state.ts';
import { type StateStore, StateTooLargeError, type StoredState } from '../ports.ts';

interface Row {
  readonly bytes: Uint8Array;
  readonly watermarks: Readonly<Record<string, string>>;
  readonly version: number;
}

export class MemoryStates implements StateStore {
  readonly rows = new Map<string, Row>();
  private readonly plan: ViewPlan;
  private readonly maxBytes: number;

  /** @param maxBytes what an item may hold */
  constructor(plan: ViewPlan, maxBytes = Number.POSITIVE_INFINITY) {
    this.plan = plan;
    this.maxBytes = maxBytes;
  }

  async read(entity_ids: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
    return this.get(entity_ids);
  }

  async write(entity_id: string, state: EntityState, version: number | null): Promise<number | 'conflict'> {
    return this.put(entity_id, state, version);
  }

  async ready(): Promise<boolean> {
    return true;
  }

  /** As `read` does it, at once. */
  get(entity_ids: readonly string[]): ReadonlyMap<string, StoredState> {
    const found = new Map<string, StoredState>();
    for (const id of entity_ids) {
      const row = this.rows.get(id);
      if (row) found.set(id, { state: decodeState(this.plan, row.bytes, row.watermarks), version: row.version });
    }
    return found;
  }

  /** As `write` does it, at once. */
  put(entity_id: string, state: EntityState, version: number | null): number | 'conflict' {
    const bytes = encodeState(this.plan, state);
    if (bytes.length > this.maxBytes) throw new StateTooLargeError('state: too large');
    if ((this.rows.get(entity_id)?.version ?? null) !== version) return 'conflict';
    this.rows.set(entity_id, { bytes, watermarks: state.watermarks, version: (version ?? 0) + 1 });
    return bytes.length;
  }
}
