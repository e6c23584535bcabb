/** What a batch is processed with, and what comes of it. */
import type { CompiledContracts } from '../../core/admission/admit.ts';
import type { AdmitRecordOptions } from '../../core/admission/record-parts.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import type { Cutovers, ReplayClock, StateStore, Tombstones } from '../ports.ts';
import type { DriftWatch } from './drift.ts';
import type { QuarantineLine } from './quarantine.ts';
import type { ViewVersion } from './view-run.ts';

export interface ProcessorPorts {
  readonly states: StateStore;
  /** @default - the backfill of the view is complete */
  readonly cutovers?: Cutovers;
  /** The version that was released last: it is kept up too, and serves until the current one is ready. @default - none */
  readonly previous?: ViewVersion;
  /** Called before anything of a batch is applied. @default - there never were other versions */
  readonly retireOthers?: () => Promise<void>;
  /** Must not lose a line that an earlier call stored. */
  readonly quarantine: (lines: readonly QuarantineLine[]) => Promise<void>;
  /** Puts events again under their entity, each as a record of its own. */
  readonly reroute: (events: readonly Misrouted[]) => Promise<void>;
  /** Replays only. */
  readonly clock: ReplayClock | null;
  /** @default - nobody was erased */
  readonly tombstones?: Tombstones;
  /** Takes note of what differs from the contracts. @default - nobody asks */
  readonly drift?: Pick<DriftWatch, 'note'>;
  /** Told of every entity that failed; the batch goes on. */
  readonly onFailure: (error: unknown) => void;
  /** Waits before a try is repeated. @param attempt from 0 */
  readonly pause?: (attempt: number) => Promise<void>;
}

/** An event that came under another key than its entity's. */
export interface Misrouted {
  readonly entity_id: string;
  /** Its own bytes, also where it was one of several in a record. */
  readonly data: Uint8Array;
}

export interface ProcessorRules {
  readonly contracts: CompiledContracts;
  readonly plan: ViewPlan;
  readonly admit: AdmitRecordOptions;
  /** For a reader of the past, see ApplyOptions. @default - the present */
  readonly read_at?: number;
}

export interface BatchResult {
  /** The lowest sequence number that must be delivered again, of a record as Lambda knows it; null when all is done. */
  readonly failed: string | null;
  readonly admitted: number;
  readonly clamped: number;
  readonly misrouted: number;
  /** These three by the version that serves longest, the previous one where there is one. */
  readonly applied: number;
  readonly duplicates: number;
  readonly skipped: number;
  /** Of all versions, as the rest. */
  readonly written: number;
  readonly conflicts: number;
  /** Events that both the backfill and the stream had counted. */
  readonly doubled: number;
  /** Events and refused records of erased entities, dropped. */
  readonly erased: number;
  /** Entities whose state could not be read: its watermarks moved over their events, and the healing makes it anew. */
  readonly unreadable: number;
  readonly bytes: readonly number[];
  readonly quarantined: ReadonlyMap<string, number>;
}
