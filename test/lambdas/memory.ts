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

export type Call = 'read' | 'write' | 'put';

/** One invocation's way to the stores: a crash ends it for good, as a time-out of the function does. */
export class Faults {
  private crashed = false;
  private readonly next: (call: Call) => Fault;
  private readonly way: () => Promise<void>;

  /** @param way how long a request or its answer takes. */
  constructor(next: (call: Call) => Fault = () => 'none', way: () => Promise<void> = () => Promise.resolve()) {
    this.next = next;
    this.way = way;
  }

  get ended(): boolean {
    return this.crashed;
  }

  /** Nothing is called any more; what is on its way still arrives, and nobody sees its answer. */
  end(): void {
    this.crashed = true;
  }

  async run<T>(call: Call, effect: () => T): Promise<T> {
    if (this.crashed) throw new Error('crashed');
    const fault = this.next(call);
    if (fault.startsWith('crash')) this.crashed = true;
    await this.way();
    if (fault.endsWith('before')) throw new Error(`fault: ${fault}`);
    const result = effect();
    await this.way();
    if (this.crashed || fault.endsWith('after')) throw new Error(`fault: ${fault}`);
    return result;
  }
}

/** How states become bytes: the code of the day, or that of a former release. */
export interface StateCodec {
  encode(plan: ViewPlan, state: EntityState): Uint8Array;
  decode(plan: ViewPlan, bytes: Uint8Array, watermarks: Readonly<Record<string, string>>): EntityState;
}

const CODEC: StateCodec = { encode: encodeState, decode: decodeState };

export interface Row {
  readonly bytes: Uint8Array;
  readonly watermarks: Readonly<Record<string, string>>;
  readonly version: number;
}

export class MemoryStates {
  readonly rows = new Map<string, Row>();
  /** Told of every write: the table's stream. */
  written: (id: string, row: Row, before: Row | undefined) => void = () => {};
  private readonly plan: ViewPlan;
  private readonly maxBytes: number;

  constructor(plan: ViewPlan, maxBytes = Number.POSITIVE_INFINITY) {
    this.plan = plan;
    this.maxBytes = maxBytes;
  }

  port(faults = new Faults(), codec = CODEC): StateStore {
    return {
      read: (ids) => faults.run('read', () => new Map(ids.flatMap((id) => this.get(id, codec)))),
      write: (id, state, version) => faults.run('write', () => this.put(id, state, version, codec)),
      ready: () => faults.run('read', () => true),
    };
  }

  private get(id: string, codec: StateCodec): [string, StoredState][] {
    const row = this.rows.get(id);
    if (!row) return [];
    return [[id, { state: codec.decode(this.plan, row.bytes, row.watermarks), version: row.version }]];
  }

  private put(id: string, state: EntityState, version: number | null, codec: StateCodec): number | 'conflict' {
    const bytes = codec.encode(this.plan, state);
    if (bytes.length > this.maxBytes) throw new StateTooLargeError('state: too large');
    const before = this.rows.get(id);
    if ((before?.version ?? null) !== version) return 'conflict';
    const row = { bytes, watermarks: state.watermarks, version: (version ?? 0) + 1 };
    this.rows.set(id, row);
    this.written(id, row, before);
    return bytes.length;
  }
}

/** Objects by key: putting a key again replaces it, as in S3. */
export class MemoryLake {
  readonly objects = new Map<string, readonly object[]>();

  port(faults = new Faults()): JsonLinesSink {
    return { put: (key, lines) => faults.run('put', () => void this.objects.set(key, lines)) };
  }
}

export class MemoryScores {
  readonly scores = new Map<string, { record: ScoreRecord; version: number }>();
  /** The outbox: `entity alert#t` → alert. */
  readonly alerts = new Map<string, AlertRecord>();
  /** Told of every write. */
  written: (record: ScoreRecord, before: ScoreRecord | undefined) => void = () => {};

  port(faults = new Faults()): ScoreStore {
    return {
      read: (ids) => faults.run('read', () => new Map(ids.flatMap((id) => this.get(id)))),
      write: (record, version, alert) => faults.run('write', () => this.put(record, version, alert)),
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
    const before = this.scores.get(record.entity_id);
    if ((before?.version ?? null) !== version) return false;
    if (alert && this.alerts.has(key)) return false;
    this.written(record, before?.record);
    this.scores.set(record.entity_id, { record, version: (version ?? 0) + 1 });
    if (alert) this.alerts.set(key, alert);
    return true;
  }
}
