/** The ports of the functions in memory, with the conditional semantics of the real stores and faults on demand. */
import { MemoryStates as Rows } from '../../cli/evaluation/memory-states.ts';
import type {
  AlertRecord,
  JsonLinesSink,
  ScoreRecord,
  ScoreStore,
  StateStore,
  StoredScore,
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

export class MemoryStates extends Rows {
  port(faults = new Faults()): StateStore {
    return {
      read: (ids) => faults.run(() => this.get(ids)),
      write: (id, state, version) => faults.run(() => this.put(id, state, version)),
      ready: () => faults.run(() => true),
    };
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
