import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FeatureViewIR, UseCaseIR } from '../../core/ir.ts';
import { parseUseCase } from '../../core/usecase.ts';
import { compileView, type ViewPlan } from '../../core/view.ts';

export interface LoadedUseCase {
  readonly ir: UseCaseIR;
  readonly view: FeatureViewIR;
  /** The compiled view that the model reads. */
  readonly plan: ViewPlan;
}

/** The document that the deployment copied beside the bundle. @param folder the bundle's own */
export function loadUseCase(folder: string): LoadedUseCase {
  return compileUseCase(parseUseCase(JSON.parse(readFileSync(join(folder, 'usecase.json'), 'utf8'))));
}

export function compileUseCase(ir: UseCaseIR): LoadedUseCase {
  const view = ir.views.find((candidate) => candidate.name === ir.model.view)!;
  return { ir, view, plan: compileView(view) };
}
