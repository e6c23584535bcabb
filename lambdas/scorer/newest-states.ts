import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { EntityState } from '../../core/state.ts';
import type { ViewPlan } from '../../core/view.ts';
import { stateOf } from '../shared/dynamo-states.ts';

export interface NamedState {
  readonly entity_id: string;
  readonly state: EntityState;
}

/**
 * The newest image of each entity in a batch: older ones are of no interest any more. Items of other views and versions
 * and the table's own (`#clock`, `#fence`) are left out. In a Lambda event, binary attributes are base64 text.
 */
export function newestStates(
  plan: ViewPlan,
  images: readonly (Record<string, AttributeValue> | undefined)[],
): NamedState[] {
  const newest = new Map<string, { version: number; state: EntityState }>();
  for (const image of images) {
    if (image?.view?.S !== plan.view.version || image.state?.B === undefined) continue;
    const B = Buffer.from(image.state.B as unknown as string, 'base64');
    const { state, version } = stateOf(plan, { ...image, state: { B } });
    const entity = image.entity_id!.S!;
    if ((newest.get(entity)?.version ?? 0) < version) newest.set(entity, { version, state });
  }
  return [...newest].map(([entity_id, { state }]) => ({ entity_id, state }));
}
