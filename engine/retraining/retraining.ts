/** A request on its way to a training: asked against what was trained before, and written down when it is let in. */
import type { Admission } from '../../names/retraining.ts';
import { type Asked, decideAdmission, type LastTraining, letIn, type Outcome } from './admission.ts';
import { decideLabels, type Labels } from './labels.ts';

/** Where the last training of the use case is remembered. */
export interface TrainingLedger {
  read(): Promise<LastTraining | null>;
  /**
   * @param seen what the decision was made on
   * @returns false when another execution wrote meanwhile, and nothing was written
   */
  write(next: LastTraining, seen: LastTraining | null): Promise<boolean>;
}

export interface Retraining {
  readonly ledger: TrainingLedger;
  /** How an execution of the state machine ended. */
  readonly outcomeOf: (execution: string) => Promise<Outcome>;
  /** ms UTC */
  readonly now: () => number;
}

/** More writers than this at once are none that people or schedules make. */
const TRIES = 5;

/**
 * Lets one training in, or says why not. Of requests that come at once one is let in, and the others are answered as if they
 * had come behind it. The same execution asked again gets the same answer.
 * @throws Error when others always wrote first
 */
export async function admit(
  { ledger, outcomeOf, now }: Retraining,
  asked: Asked & { readonly document_hash: string },
): Promise<Admission> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const last = await ledger.read();
    const outcome = last === null || last.execution === asked.execution ? 'running' : await outcomeOf(last.execution);
    const at = now();
    const decided = decideAdmission(asked, last, outcome, at);
    if (decided.decision !== 'train' || (await ledger.write(letIn(asked, last, outcome, at), last))) return decided;
  }
  throw new Error(`retraining: ${TRIES} other requests were let in one after another; start it again`);
}

/**
 * Whether the set that was built for a training is worth it; what it learns of, or that it does not, is remembered.
 * @param how `minLabels`: of each kind, in each slice
 */
export async function checkLabels(
  { ledger }: Pick<Retraining, 'ledger'>,
  execution: string,
  labels: Labels,
  how: { readonly force: boolean; readonly minLabels: number },
): Promise<Admission> {
  const training = await ledger.read();
  if (training?.execution !== execution)
    // With --force, or after a cool-down of no hours, another training was let in: what it remembers is not ours to change.
    return { decision: 'train', reason: 'Another training was let in meanwhile.' };
  const decided = decideLabels(training, labels, how);
  const next =
    decided.decision === 'train' ? { ...training, spine_hash: labels.spine_hash } : { ...training, declined: true };
  await ledger.write(next, training);
  return decided;
}
