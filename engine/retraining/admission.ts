/** Whether a request becomes a training. Pure: what was trained before and the request in, the decision with its reason out. */
import type { ModelUseCaseIR } from '../../core/ir/parts.ts';
import { canonicalJson, sha256 } from '../../core/values/hash.ts';
import { HOUR } from '../../core/values/time.ts';
import type { Admission, StartedBy } from '../../names/retraining.ts';

/** The last training that was let in. One a use case. */
export interface LastTraining {
  /** ARN of its execution. */
  readonly execution: string;
  readonly by: StartedBy;
  /** ms UTC */
  readonly started_at: number;
  /** Of all that decides what is learnt. */
  readonly input_hash: string;
  /** Of what the use case says of it. */
  readonly document_hash: string;
  /** Of the rows and labels of its training set, once that was built. */
  readonly spine_hash?: string;
  /** It ended without a training, as its labels said nothing new: it holds up no other. */
  readonly declined?: boolean;
  /** Rows and labels of the last training that came to an end, and what it was told. */
  readonly learnt?: { readonly document_hash: string; readonly spine_hash: string };
}

/**
 * How an execution ended, if it did. `learnt`: a model was made, whatever the gate or the endpoint said of it; the same
 * inputs give the same model. `failed`: none was.
 */
export type Outcome = 'running' | 'learnt' | 'failed';

export interface Inputs {
  readonly ir: ModelUseCaseIR;
  readonly definition_hash: string;
  /** Of the table of events; null before there is one. */
  readonly snapshot_id: string | null;
  /** As it was asked for; null: everything that is known. */
  readonly as_of: string | null;
}

/** What the use case says of what is learnt. */
export function documentHash({ ir: { label, model }, definition_hash }: Inputs): string {
  return sha256(canonicalJson({ label, model, definition_hash }));
}

/** All that decides what is learnt. The table's snapshot stands for the events: the same one has the same labels. */
export function inputHash(inputs: Inputs): string {
  const { snapshot_id, as_of } = inputs;
  return sha256(canonicalJson({ document: documentHash(inputs), snapshot_id, as_of }));
}

export interface Asked {
  readonly execution: string;
  readonly by: StartedBy;
  readonly force: boolean;
  readonly input_hash: string;
  readonly cooldownHours: number;
}

/**
 * @param last of those that were let in; null: none
 * @param outcome of `last`
 * @param now ms UTC
 */
export function decideAdmission(asked: Asked, last: LastTraining | null, outcome: Outcome, now: number): Admission {
  if (last === null) return train('Nothing was trained before.');
  if (last.execution === asked.execution) return train('It was let in before.');
  if (asked.force) return train('It was asked for whatever was trained before.');
  if (outcome === 'failed') return train('The last training failed before it made a model.');
  if (last.input_hash === asked.input_hash)
    return {
      decision: 'unchanged',
      reason: `${named(last, outcome)} is of the same events, label, model and definition${byHand(asked)}.`,
    };
  const until = last.started_at + asked.cooldownHours * HOUR;
  if (!last.declined && now < until)
    return {
      decision: 'cool-down',
      reason: `${named(last, outcome)} is not long ago: the next one may start at ${new Date(until).toISOString()}${byHand(asked)}.`,
    };
  return train('Its inputs have changed since the last training.');
}

/** What is remembered of a training that is let in. */
export function letIn(
  asked: Asked & { readonly document_hash: string },
  last: LastTraining | null,
  outcome: Outcome,
  now: number,
): LastTraining {
  const { execution, by, input_hash, document_hash } = asked;
  if (last?.execution === execution) return last;
  const learnt = learntBy(last, outcome);
  return { execution, by, started_at: now, input_hash, document_hash, ...(learnt && { learnt }) };
}

/** A training that still runs may yet fail: what the one before it learnt counts until it has ended. */
function learntBy(last: LastTraining | null, outcome: Outcome): LastTraining['learnt'] {
  if (last === null || outcome !== 'learnt' || last.declined || last.spine_hash === undefined) return last?.learnt;
  return { document_hash: last.document_hash, spine_hash: last.spine_hash };
}

function named({ started_at, by }: LastTraining, outcome: Outcome): string {
  const how = { hand: 'by hand', schedule: 'by schedule', drift: 'by drift' }[by];
  const still = outcome === 'running' ? ', which still runs,' : '';
  return `The training that was started ${how} at ${new Date(started_at).toISOString()}${still}`;
}

const byHand = ({ by }: Asked) => (by === 'hand' ? '; --force trains all the same' : '');
const train = (reason: string): Admission => ({ decision: 'train', reason });
