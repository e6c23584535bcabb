/**
 * An item of the online table that holds a state: one an entity and view version. By hand, for every vector reads one: the
 * SDK's `unmarshall` and a schema would take 5 µs where this takes 1, a fifth of what decoding and finalising take.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ViewPlan } from '../../../core/state/plan.ts';
import type { Positions, StoredState, Unreadable } from '../../../engine/ports.ts';
import { readableStates, type StateRow, storedState } from '../../../engine/state-row.ts';
import { featuresKey, type StateAttribute } from '../../../names/keys.ts';

export type Item = Readonly<Record<string, AttributeValue>>;
type StateItem = Readonly<Partial<Record<StateAttribute, AttributeValue>>>;

/** What the table holds of a row; the store adds times. */
export function itemOf(plan: ViewPlan, entity_id: string, { bytes, watermarks, revision, flags, base }: StateRow) {
  const stored = Object.entries({ joined: flags.whole, seeded: flags.seeded, heal: flags.heal });
  return {
    ...featuresKey(entity_id, plan.view.version),
    state: { B: bytes },
    version: { N: String(revision) },
    watermarks: positionsAttribute(watermarks),
    ...(base ? { base: { B: base.bytes }, base_watermarks: positionsAttribute(base.watermarks) } : {}),
    ...Object.fromEntries(stored.flatMap(([name, set]) => (set ? [[name, { BOOL: true }]] : []))),
  } satisfies StateItem;
}

/** @throws CodecError when the bytes can't be read by this code */
export function stateOf(plan: ViewPlan, item: Item): StoredState {
  return storedState(plan, rowOf(item));
}

/** @param items one an entity. @param unreadable @default - an item that can't be read is thrown for */
export function statesOf(
  plan: ViewPlan,
  items: readonly Item[],
  unreadable?: Unreadable,
): ReadonlyMap<string, StoredState> {
  return readableStates(
    items,
    (item) => item.entity_id!.S!,
    (item) => stateOf(plan, item),
    unreadable,
  );
}

function rowOf({ state, watermarks, version, joined, seeded, heal, base, base_watermarks }: StateItem): StateRow {
  return {
    bytes: state!.B!,
    watermarks: positionsOf(watermarks),
    revision: Number(version!.N),
    flags: { whole: isSet(joined), seeded: isSet(seeded), heal: isSet(heal) },
    ...(base && { base: { bytes: base.B!, watermarks: positionsOf(base_watermarks) } }),
  };
}

const isSet = (flag: AttributeValue | undefined) => flag?.BOOL === true;

export function positionsOf(attribute: AttributeValue | undefined): Positions {
  return Object.fromEntries(Object.entries(attribute?.M ?? {}).map(([shard, position]) => [shard, position.S!]));
}

export function positionsAttribute(positions: Positions): AttributeValue.MMember {
  return { M: Object.fromEntries(Object.entries(positions).map(([shard, S]) => [shard, { S }])) };
}
