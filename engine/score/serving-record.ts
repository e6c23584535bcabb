/** What serves after a deployment: the rules of champion and challenger, as the endpoint's states have them. */
import type { ServedPackage, ServingDocument } from '../../names/serving.ts';

/** `champion`: it serves all. `challenger`: beside the one that serves, for an experiment. `one`: the champion alone again. */
export type Wanted = 'champion' | 'challenger' | 'one';

export class ServingRefusedError extends Error {
  override readonly name = 'ServingRefusedError';
}

/**
 * @param current what serves now; null: nothing yet
 * @param model of `champion` and `challenger`
 * @returns what is to serve; the same packages where nothing changes, as one approval may be told more than once
 * @throws ServingRefusedError when an experiment would lose its champion, or has none
 */
export function nextPackages(
  current: ServingDocument['packages'] | null,
  wanted: Wanted,
  model: ServedPackage | null,
): ServingDocument['packages'] {
  if (wanted === 'champion') {
    if (current?.challenger && current.champion.package_arn !== model!.package_arn)
      throw new ServingRefusedError(
        'An experiment runs, and its champion may not change on the way: end it first, then approve this version again',
      );
    return current?.challenger ? current : { champion: model! };
  }
  if (current === null)
    throw new ServingRefusedError(
      'No model of this registry serves: approve one first, an experiment needs a champion',
    );
  if (wanted === 'one') return { champion: current.champion };
  if (current.challenger && current.challenger.package_arn !== model!.package_arn)
    throw new ServingRefusedError('Another challenger serves: end that experiment first');
  return { champion: current.champion, challenger: model! };
}
