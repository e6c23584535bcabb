import type { ViewPlan } from '../../core/state/plan.ts';
import type { EntityState } from '../../core/state/state.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { StateFlags } from '../../engine/ports.ts';

/** A store that counts its writes, where another writer is faster now and then. */
export class ContestedStates extends MemoryStates {
  /** Calls of `write`, those that lost their condition too. */
  writes = 0;
  /** Those of them that lost their condition. */
  refused = 0;
  private readonly conflictEvery: number;

  /** @param conflictEvery 0, or every how many writes another is faster: the write is refused, nothing is stored */
  constructor(plan: ViewPlan, conflictEvery = 0) {
    super(plan);
    this.conflictEvery = conflictEvery;
  }

  override async write(id: string, state: EntityState, version: number | null, flags?: StateFlags) {
    this.writes++;
    const overtaken = this.conflictEvery > 0 && this.writes % this.conflictEvery === 0;
    const size = overtaken ? 'conflict' : await super.write(id, state, version, flags);
    if (size === 'conflict') this.refused++;
    return size;
  }
}
