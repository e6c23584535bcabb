import { type NamedState, type StateStore, type Unreadable, WHOLE } from '../ports.ts';

/**
 * States of a version whose fence is up, with all that their entities did. What such a state lacks stands beside it in the
 * table, or there is nothing: before the fence came up the backfill had put it there. A state from before, in a late image
 * of the table's stream or by a read that was not consistent, may lack it still, so it is read again.
 *
 * @returns without those that were deleted meanwhile
 */
export async function wholeStates(
  states: Pick<StateStore, 'read'>,
  found: readonly NamedState[],
  unreadable?: Unreadable,
): Promise<NamedState[]> {
  const [whole, unsure] = [found.filter(isWhole), found.filter((one) => !isWhole(one))];
  if (unsure.length === 0) return whole;
  const stored = await states.read(
    unsure.map(({ entity_id }) => entity_id),
    unreadable,
  );
  return [...whole, ...[...stored].map(([entity_id, { state, flags }]) => ({ entity_id, state, flags }))];
}

const isWhole = ({ flags = WHOLE }: NamedState) => flags.whole;
