import type { FeatureValue, ModelIR, Scalar } from '../ir/document.ts';
import type { ViewPlan } from '../state/plan.ts';

/** The model's input vector: enums by the index of their value, booleans 1 or 0, null (NaN for the model) as it is. */
export function modelInputs(
  { view, places }: ViewPlan,
  model: ModelIR,
  values: readonly FeatureValue[],
): (number | null)[] {
  return model.inputs.map((name) => {
    const at = places.get(name)!;
    const feature = view.features[at]!;
    // Lists are refused as inputs where the model is declared.
    const value = (values[at] ?? null) as Scalar;
    if (typeof value === 'boolean') return value ? 1 : 0;
    if (typeof value !== 'string') return value;
    const code = feature.kind === 'aggregate' ? (feature.enum_values?.indexOf(value) ?? -1) : -1;
    return code < 0 ? null : code;
  });
}
