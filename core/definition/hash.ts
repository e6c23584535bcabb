/** What makes two feature views the same: the hash that states, training sets and models are tied to. */

import type { ContractIR, FeatureViewIR } from '../ir/document.ts';
import { contractsOf } from '../state/plan.ts';
import { canonicalJson, sha256 } from '../values/hash.ts';

/** Raised with every change of what values mean, so that no state or model outlives its semantics. */
const SEMANTICS_VERSION = 2;

export type ViewBody = Omit<FeatureViewIR, 'definition_hash' | 'version' | 'plan'>;

/** sha256 (hex) over all that decides a value: the view and the contracts it reads. Descriptions don't; the plan follows. */
export function hashOf(
  { name, entity, features, dedupe, retractions }: ViewBody,
  contracts: readonly ContractIR[],
): string {
  const meaning = features.map(({ description: _, ...rest }) => rest);
  const view = { name, entity, features: meaning, dedupe, retractions };
  return sha256(canonicalJson({ semantics: SEMANTICS_VERSION, view, contracts: contractsOf({ features }, contracts) }));
}

/** The sort key of a state item: a changed definition is another item. */
export function versionOf(name: string, definition_hash: string): string {
  return `${name}@${definition_hash.slice(0, 12)}`;
}
