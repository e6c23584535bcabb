/** Which parts a use case has: events and features always, label and model together, alerts with these. */

import type { FeatureViewIR, UseCaseIR } from './document.ts';
import { DefinitionError } from './errors.ts';

/** A use case that learns and scores. */
export type ModelUseCaseIR = UseCaseIR & Required<Pick<UseCaseIR, 'label' | 'model'>>;

/** Whether there is something to train and to score; else events and features are all there is. */
export function hasModel(ir: UseCaseIR): ir is ModelUseCaseIR {
  return ir.label !== undefined && ir.model !== undefined;
}

/** As `hasModel`, where nothing can be done without one. @throws DefinitionError that says so */
export function requireModel(ir: UseCaseIR): ModelUseCaseIR {
  if (hasModel(ir)) return ir;
  throw new DefinitionError('model', 'none: this use case has events and features alone', 'a label and a model');
}

/** The view that is kept up online: the one that the model reads, without a model the only one. @param ir validated */
export function onlineView({ views, model }: UseCaseIR): FeatureViewIR {
  return model ? views.find(({ name }) => name === model.view)! : views[0]!;
}
