/** What people say became of somebody they were told of. */
import { sha256 } from '../../core/values/hash.ts';

/** `reached`: spoken to. `saved`: stays, by what was done. `wrong`: was at no risk. */
export const OUTCOMES = ['reached', 'saved', 'wrong'] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

export interface Outcome {
  readonly outcome_id: string;
  readonly alert_id: string;
  readonly entity_id: string;
  /** Of the alert's score, ms UTC. */
  readonly t: number;
  readonly outcome: OutcomeName;
  /** Slack's id of the person. */
  readonly said_by: string;
  /** ms UTC. */
  readonly said_at: number;
}

/** The same press has the same id, however often it comes. */
export function outcomeId({ alert_id, outcome, said_by, said_at }: Omit<Outcome, 'outcome_id'>): string {
  return sha256([alert_id, outcome, said_by, said_at].join('\n')).slice(0, 32);
}

/** The last word of each alert; of two at the same instant that of the greater id, so that every reader finds the same. */
export function lastWords<One extends Pick<Outcome, 'alert_id' | 'said_at' | 'outcome_id'>>(
  outcomes: readonly One[],
): Map<string, One> {
  const last = new Map<string, One>();
  for (const one of outcomes) {
    const other = last.get(one.alert_id);
    const later =
      !other || one.said_at > other.said_at || (one.said_at === other.said_at && one.outcome_id > other.outcome_id);
    if (later) last.set(one.alert_id, one);
  }
  return last;
}

/** Where outcomes are kept. */
export interface OutcomeStore {
  /**
   * Beside the alert, if there is one; the same outcome again changes nothing.
   * @returns `gone` when there is no such alert: nobody was told, or its entity was erased
   */
  keep(outcome: Outcome): Promise<'kept' | 'gone'>;
}
