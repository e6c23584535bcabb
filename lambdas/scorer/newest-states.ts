import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ViewPlan } from '../../core/state/plan.ts';
import type { NamedState, Unreadable } from '../../engine/ports.ts';
import { type Item, statesOf } from '../aws/dynamo/state-item.ts';

/**
 * The newest image of each entity in a batch: older ones are of no interest any more. Items of other views and versions
 * and the table's own (`#clock`, `#fence`) are left out. In a Lambda event, binary attributes are base64 text.
 */
export function newestStates(
  plan: ViewPlan,
  images: readonly (Record<string, AttributeValue> | undefined)[],
  unreadable?: Unreadable,
): NamedState[] {
  const newest = new Map<string, Item>();
  for (const image of images) {
    if (image?.view?.S !== plan.view.version || image.state?.B === undefined) continue;
    const entity = image.entity_id!.S!;
    if (versionOf(newest.get(entity)) < versionOf(image)) newest.set(entity, image);
  }
  const items = [...newest.values()].map((image) => {
    const base = image.base && { base: bytesOf(image.base) };
    return { ...image, state: bytesOf(image.state!), ...base };
  });
  return [...statesOf(plan, items, unreadable)].map(([entity_id, { state, flags }]) => ({ entity_id, state, flags }));
}

function versionOf(image: Item | undefined): number {
  return Number(image?.version?.N ?? 0);
}

function bytesOf({ B }: AttributeValue): AttributeValue {
  return { B: Buffer.from(B as unknown as string, 'base64') };
}
