import type { FeatureViewIR, UseCaseIR } from '../core/ir/document.ts';
import { onlineView } from '../core/ir/parts.ts';
import { compileView, type ViewPlan } from '../core/state/plan.ts';

export interface LoadedUseCase {
  readonly ir: UseCaseIR;
  readonly view: FeatureViewIR;
  /** The compiled view that the model reads. */
  readonly plan: ViewPlan;
}

/** @param ir validated */
export function compileUseCase(ir: UseCaseIR): LoadedUseCase {
  const view = onlineView(ir);
  return { ir, view, plan: compileView(view) };
}
