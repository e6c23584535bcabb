/** The smallest use case around features: what a test of one definition does not want to say again. */
import { type Contract, count, defineUseCase, type Feature } from '../../core/definition/define.ts';
import type { UseCaseIR } from '../../core/ir/document.ts';

/** @param features of the one view, which is called `some` */
export function useCaseOf(contracts: readonly Contract[], features: Readonly<Record<string, Feature>>): UseCaseIR {
  const n = count({ of: contracts[0]!, window: '7d' });
  const views = { some: { entity: 'customer', features: { ...features, n } } };
  return defineUseCase({ name: 'some', entity: 'customer', contracts, views });
}
