import type { ViewPlan } from '../../core/state/plan.ts';
import { handOver } from '../../engine/alerting/hand-over.ts';
import { sendOnce } from '../../engine/alerting/send.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import type { MemoryStates } from '../../engine/memory/states.ts';
import type { Cutovers, NamedState, StateStore } from '../../engine/ports.ts';
import { type Candidate, instantAfter } from '../../engine/score/scoring.ts';

/** The parts of the product under simulation; a test plants its bugs by replacing one. */
export interface Sandbox {
  readonly plan: (plan: ViewPlan) => ViewPlan;
  readonly states: (port: StateStore, table: MemoryStates) => StateStore;
  readonly cutovers: (port: Cutovers) => Cutovers;
  /** What a function does about versions that it does not keep up, before it applies anything. */
  readonly retire: (run: () => Promise<void>) => () => Promise<void>;
  /** What a function makes of an answer about a tombstone. */
  readonly erased: (is: boolean) => boolean;
  readonly process: typeof processBatch;
  /** What the scorer serves of a new state. @param now ms UTC */
  readonly candidate: (state: NamedState, now: number) => Candidate;
  /** From the outbox to the topic. */
  readonly handOver: typeof handOver;
  /** From the topic to Slack. */
  readonly send: typeof sendOnce;
}

export const REAL: Sandbox = {
  plan: (plan) => plan,
  states: (port) => port,
  cutovers: (port) => port,
  retire: (run) => run,
  erased: (is) => is,
  process: processBatch,
  candidate: ({ entity_id, state }, now) => ({ entity_id, state, t: instantAfter(state, now) }),
  handOver,
  send: sendOnce,
};
