/** The ports of the functions in memory, with the conditional semantics of the real stores and faults on demand. */
import { decodeState, encodeState } from '../../core/codec.ts';
import type { EntityState } from '../../core/state.ts';
import type { ViewPlan } from '../../core/view.ts';
import {
  type AlertRecord,
  type JsonLinesSink,
  type ScoreRecord,
  type ScoreStore,
  type StateStore,
  StateTooLargeError,
  type StoredScore,
  type StoredState,
} from '../../lambdas/shared/ports.ts';

/** `before`: fails and does nothing. `after`: does it, and the answer is lost. `crash`: this call and all later ones fail. */
export type Fault = 'none' | 'before' | 'after' | 'crash-before' | 'crash-after';

/** One invocation's way to the stores: a crash ends it for good, as a time-out of the function does. */
export class Faults {
  private crashed = false;
  private readonly next: () => Fault;

  constructor(next: () => Fault = () => 'none') {
    this.next = next;
  }

  async run<T>(effect: () => T): Promise<T> {
    await Promise.resolve();
    if (this.crashed) throw new Error('crashed');
    const fault = this.next();
    this.crashed = fault.startsWith('crash');
    if (fault.endsWith('before')) throw new Error(`fault: ${fault}`);
    const result = effect();
    await Promise.resolve();
    if (fault.endsWith('after')) throw new Error(`fault: ${fault}`);
    return result;
  }
}

interface Row {
  readonly bytes: Uint8Array;
  readonly watermarks: Readonly<Record<string, string>>;
  readonly version: number;
}

export class MemoryStates {
  readonly rows = new Map<string, Row>();
  private readonly plan: ViewPlan;
  private readonly maxBytes: number;

  constructor(plan: ViewPlan, maxBytes = Number.POSITIVE_INFINITY) {
    this.plan = plan;
    this.maxBytes = maxBytes;
  }

  port(faults = new Faults()): StateStore {
    return {
      read: (ids) => faults.run(() => new Map(ids.flatMap((id) => this.get(id)))),
      write: (id, state, version) => faults.run(() => this.put(id, state, version)),
      ready: () => faults.run(() => true),
    };
  }

  private get(id: string): [string, StoredState][] {
    const row = this.rows.get(id);
    if (!row) return [];
    return [[id, { state: decodeState(this.plan, row.bytes, row.watermarks), version: row.version }]];
  }

  private put(id: string, state: EntityState, version: number | null): number | 'conflict' {
    const bytes = encodeState(this.plan, state);
    if (bytes.length > this.maxBytes) throw new StateTooLargeError('state: too large');
    if ((this.rows.get(id)?.version ?? null) !== version) return 'conflict';
    this.rows.set(id, { bytes, watermarks: state.watermarks, version: (version ?? 0) + 1 });
    return bytes.length;
  }
}

/** Objects by key: putting a key again replaces it, as in S3. */
export class MemoryLake {
  readonly objects = new Map<string, readonly object[]>();

  port(faults = new Faults()): JsonLinesSink {
    return { put: (key, lines) => faults.run(() => void this.objects.set(key, lines)) };
  }
}

export class MemoryScores {
  readonly scores = new Map<string, { record: ScoreRecord; version: number }>();
  /** The outbox: `entity alert#t` → alert. */
  readonly alerts = new Map<string, AlertRecord>();

  port(faults = new Faults()): ScoreStore {
    return {
      read: (ids) => faults.run(() => new Map(ids.flatMap((id) => this.get(id)))),
      write: (record, version, alert) => faults.run(() => this.put(record, version, alert)),
    };
  }

  private get(id: string): [string, StoredScore][] {
    const row = this.scores.get(id);
    if (!row) return [];
    const { t, model_version, alert_state } = row.record;
    return [[id, { t, model_version, alert_state, version: row.version }]];
  }

  /** One transaction: both conditions hold, or nothing is written. */
  private put(record: ScoreRecord, version: number | null, alert: AlertRecord | null): boolean {
    const key = `${record.entity_id} alert#${record.t}`;
    if ((this.scores.get(record.entity_id)?.version ?? null) !== version) return false;
    if (alert && this.alerts.has(key)) return false;
    this.scores.set(record.entity_id, { record, version: (version ?? 0) + 1 });
    if (alert) this.alerts.set(key, alert);
    return true;
  }
}
