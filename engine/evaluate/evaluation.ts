/** What `tidemark features eval` is asked: the same for all engines. */
import type { Admitted } from '../../core/admission/admit.ts';
import type { FeatureValue, FeatureViewIR, UseCaseIR } from '../../core/ir/document.ts';

/** `asof`: what was known at each query's own t; a number: what was known then, ms UTC. */
export type Knowledge = 'asof' | 'latest' | number;

/** A line of the events file that its contract admits. */
export interface InputEvent {
  /** Its place among all lines of all files, from 1. */
  readonly line: number;
  /** Where it stands, for people. */
  readonly place: string;
  /** As it would lie in the stream. */
  readonly data: Uint8Array;
  readonly event: Admitted['event'];
}

export interface Query {
  readonly entity_id: string;
  /** ms UTC. */
  readonly t: number;
  /** `t` as the file says it. */
  readonly given_t: string | number;
  /** @default - that of the evaluation */
  readonly knowledge?: Knowledge;
}

export interface Evaluation {
  readonly ir: Pick<UseCaseIR, 'contracts'>;
  /** One of the use case's views. */
  readonly view: FeatureViewIR;
  /** In the order of the file: it decides between copies of one event that became known at the same ms. */
  readonly events: readonly InputEvent[];
  readonly queries: readonly Query[];
  /** Of every query that has none of its own. */
  readonly knowledge: Knowledge;
}

/** One vector a query, in order; each in the order of the view's features. */
export type Vectors = readonly (readonly FeatureValue[])[];

export function eventsByEntity(events: readonly InputEvent[]): Map<string, InputEvent[]> {
  const found = new Map<string, InputEvent[]>();
  for (const one of events) {
    const of = found.get(one.event.entity_id);
    if (of) of.push(one);
    else found.set(one.event.entity_id, [one]);
  }
  return found;
}

/** Queries that share their knowledge, and where each stands among all: an evaluation knows one thing at a time. */
export function byKnowledge({ queries, knowledge }: Evaluation): Map<Knowledge, number[]> {
  const found = new Map<Knowledge, number[]>();
  queries.forEach((query, i) => {
    const own = query.knowledge ?? knowledge;
    if (!found.get(own)?.push(i)) found.set(own, [i]);
  });
  return found;
}
