/** An online store in memory: what lies between two batches is bytes and watermarks, as in an item of DynamoDB. */
import { decodeState, encodeState } from '../core/state/codec.ts';
import type { ViewPlan } from '../core/state/plan.ts';
import type { EntityState } from '../core/state/state.ts';
import type { StateStore, StoredState } from '../engine/ports.ts';

export interface Item {
  readonly bytes: Uint8Array;
  readonly watermarks: Readonly<Record<string, string>>;
  readonly version: number;
}

export class StoredStates implements StateStore {
  items: Map<string, Item>;
  /** Calls of `write`, those that lost their condition too. */
  writes = 0;
  /** Those of them that lost their condition. */
  refused = 0;
  private readonly plan: ViewPlan;
  private readonly conflictEvery: number;

  /**
   * @param items what is stored at first; the map is changed in place
   * @param conflictEvery 0, or every how many writes another writer is faster: the write is refused, nothing is stored
   */
  constructor(plan: ViewPlan, items: Map<string, Item> = new Map(), conflictEvery = 0) {
    this.plan = plan;
    this.items = items;
    this.conflictEvery = conflictEvery;
  }

  async read(entity_ids: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
    const found = new Map<string, StoredState>();
    for (const id of entity_ids) {
      const item = this.items.get(id);
      if (!item) continue;
      found.set(id, { state: decodeState(this.plan, item.bytes, item.watermarks), version: item.version });
    }
    return found;
  }

  async write(entity_id: string, state: EntityState, version: number | null): Promise<number | 'conflict'> {
    this.writes++;
    const overtaken = this.conflictEvery > 0 && this.writes % this.conflictEvery === 0;
    if (overtaken || (this.items.get(entity_id)?.version ?? null) !== version) {
      this.refused++;
      return 'conflict';
    }
    const bytes = encodeState(this.plan, state);
    this.items.set(entity_id, { bytes, watermarks: state.watermarks, version: (version ?? 0) + 1 });
    return bytes.length;
  }

  async ready(): Promise<boolean> {
    return true;
  }
}
