import { decodeState } from '../core/state/codec.ts';
import { mergeStates } from '../core/state/merge.ts';
import type { ViewPlan } from '../core/state/plan.ts';
import { type Positions, type StateFlags, type StoredState, type Unreadable, WHOLE } from './ports.ts';

/** A state as the codec wrote it; the watermarks stand beside its bytes. */
export interface EncodedState {
  readonly bytes: Uint8Array;
  readonly watermarks: Positions;
}

/** What the online table holds of one entity and one view version. */
export interface StateRow extends EncodedState {
  readonly revision: number;
  readonly flags: StateFlags;
  /** What the backfill put beside it: all that came before the cutover. @default - nothing, or it is merged already */
  readonly base?: EncodedState;
}

/**
 * The state of a row. Whoever reads a row with a base merges the two, and the next write of the processor stores the merged
 * state alone.
 * @param decode @default - the codec of this code
 * @throws CodecError when the bytes can't be read by this code
 */
export function storedState(
  plan: ViewPlan,
  { bytes, watermarks, revision, flags, base }: StateRow,
  decode = decodeState,
): StoredState {
  const state = decode(plan, bytes, watermarks);
  if (base === undefined) return { state, revision, flags };
  const before = decode(plan, base.bytes, base.watermarks);
  const { state: merged, twice } = mergeStates(plan, before, state, { seeded: flags.seeded });
  return { state: merged, revision, flags: { ...WHOLE, heal: flags.heal || twice > 0 }, twice };
}

/**
 * States by entity.
 * @param read undefined: there is none. @param unreadable @default - what can't be read is thrown for
 */
export function readableStates<Stored>(
  stored: readonly Stored[],
  entityOf: (one: Stored) => string,
  read: (one: Stored) => StoredState | undefined,
  unreadable?: Unreadable,
): Map<string, StoredState> {
  const found = new Map<string, StoredState>();
  for (const one of stored) {
    try {
      const state = read(one);
      if (state) found.set(entityOf(one), state);
    } catch (error) {
      if (!unreadable) throw error;
      unreadable(entityOf(one), error);
    }
  }
  return found;
}
