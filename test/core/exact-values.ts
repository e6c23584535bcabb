import type { FeatureValue } from '../../core/ir/document.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import { type EntityState, inexactFeatures } from '../../core/state/state.ts';
import { references } from '../../core/values/expr.ts';

/** Values by name, without those of features that a retraction inexact, and without derived ones that read such a one. */
export function exactValues(
  plan: ViewPlan,
  state: EntityState,
  values: readonly FeatureValue[],
): Record<string, FeatureValue> {
  const inexact = new Set(inexactFeatures(plan, state));
  for (const feature of plan.view.features) {
    if (feature.kind === 'derived' && references(feature.expr).some((name) => inexact.has(name)))
      inexact.add(feature.name);
  }
  return Object.fromEntries(
    plan.view.features.flatMap(({ name }, i) => (inexact.has(name) ? [] : [[name, values[i] ?? null]])),
  );
}
