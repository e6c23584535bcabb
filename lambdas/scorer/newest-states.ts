import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ViewPlan } from '../../core/view.ts';
import { stateOf } from '../shared/dynamo-states.ts';
import type { NamedState, StoredState } from '../shared/ports.ts';

/**
 * The newest image of each entity in a batch: older ones are of no interest any more. Items of other views and versions
 * and the table's own (`#clock`, `#fence`) are left out. In a Lambda event, binary attributes are base64 text.
 */
export function newestStates(
  plan: ViewPlan,
  images: readonly (Record<string, AttributeValue> | undefined)[],
): NamedState[] {
  const newest = new Map<string, StoredState>();
  for (const image of images) {
    if (image?.view?.S !== plan.view.version || image.state?.B === undefined) continue;
    const base = image.base && { base: bytesOf(image.base) };
    const stored = stateOf(plan, { ...image, state: bytesOf(image.state), ...base });
    const entity = image.entity_id!.S!;
    if ((newest.get(entity)?.version ?? 0) < stored.version) newest.set(entity, stored);
  }
  return [...newest].map(([entity_id, { state, marks }]) => ({ entity_id, state, marks }));
}

function bytesOf({ B }: AttributeValue): AttributeValue {
  return { B: Buffer.from(B as unknown as string, 'base64') };
}
