/** The ports of the functions in memory, with the conditional semantics of the real stores and faults on demand. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { encodeState } from '../../core/state/codec.ts';
import { highestMarks } from '../../core/state/merge.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import type { EntityState } from '../../core/state/state.ts';
import {
  type AlertRecord,
  type JsonLinesSink,
  type Positions,
  type ScoreRecord,
  type ScoreStore,
  type StateMarks,
  type StateStore,
  StateTooLargeError,
  type StoredScore,
  type StoredState,
  type Unreadable,
  WHOLE,
} from '../../engine/ports.ts';
import { type Item, stateOf, untilProcessed } from '../../lambdas/aws/dynamo/states.ts';

/** `before`: fails and does nothing. `after`: does it, and the answer is lost. `crash`: this call and all later ones fail. */
export type Fault = 'none' | 'before' | 'after' | 'crash-before' | 'crash-after';

export type Call = 'read' | 'write' | 'put';

/** The units of a table's partitions, of which each has so many in a second. */
export interface Units {
  /** @returns false when the partition has none left */
  take(kind: 'read' | 'write', partition: string): boolean;
  /** Waits before a try is repeated. @param attempt from 0 */
  wait(attempt: number): Promise<void>;
}

const UNLIMITED: Units = { take: () => true, wait: () => Promise.resolve() };

/** A request found no unit in any partition that it asked. */
export class ThrottledError extends Error {
  override readonly name = 'ProvisionedThroughputExceededException';
}

/** As often as the SDK tries (lambdas/aws/patience.ts). */
const SDK_TRIES = 5;

/** One invocation's way to the stores: a crash ends it for good, as a time-out of the function does. */
export class Faults {
  private crashed = false;
  private readonly next: (call: Call) => Fault;
  private readonly way: () => Promise<void>;
  readonly units: Units;

  /** @param way how long a request or its answer takes. @param units @default - as many as anybody asks for */
  constructor(
    next: (call: Call) => Fault = () => 'none',
    way: () => Promise<void> = () => Promise.resolve(),
    units: Units = UNLIMITED,
  ) {
    this.next = next;
    this.way = way;
    this.units = units;
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

/** As the SDK repeats what was throttled. */
async function patiently<T>({ units }: Faults, run: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ThrottledError) || attempt + 1 === SDK_TRIES) throw error;
      await units.wait(attempt);
    }
  }
}

/** How a former release made bytes of states, and read them. */
export interface StateCodec {
  encode(plan: ViewPlan, state: EntityState): Uint8Array;
  decode(plan: ViewPlan, bytes: Uint8Array, watermarks: Positions): EntityState;
}

interface Part {
  readonly bytes: Uint8Array;
  readonly watermarks: Positions;
}

export interface Row extends Part {
  readonly version: number;
  readonly marks: StateMarks;
  /** What a backfill put beside it. */
  readonly base?: Part;
}

/** A row as the table holds it. */
export function itemOf(plan: ViewPlan, entity_id: string, { bytes, watermarks, version, marks, base }: Row): Item {
  const flags = Object.entries(marks).flatMap(([name, set]) => (set ? [[name, { BOOL: true }] as const] : []));
  return {
    entity_id: { S: entity_id },
    view: { S: plan.view.version },
    state: { B: bytes },
    version: { N: String(version) },
    watermarks: positionsAttribute(watermarks),
    ...(base ? { base: { B: base.bytes }, base_watermarks: positionsAttribute(base.watermarks) } : {}),
    ...Object.fromEntries(flags),
  };
}

function positionsAttribute(positions: Positions): AttributeValue {
  return { M: Object.fromEntries(Object.entries(positions).map(([shard, S]) => [shard, { S }])) };
}

export class MemoryStates {
  readonly rows = new Map<string, Row>();
  /** Told of every write: the table's stream. */
  written: (id: string, row: Row, before: Row | undefined) => void = () => {};
  /** Whether a new entity may not come back. */
  refuses: (id: string) => boolean = () => false;
  private readonly plan: ViewPlan;
  private readonly maxBytes: number;

  constructor(plan: ViewPlan, maxBytes = Number.POSITIVE_INFINITY) {
    this.plan = plan;
    this.maxBytes = maxBytes;
  }

  /** @param codec of a former release. @default - the code under test */
  port(faults = new Faults(), codec?: StateCodec): StateStore {
    return {
      read: async (ids, unreadable) =>
        new Map(
          await untilProcessed(
            ids,
            (open) =>
              patiently(faults, () => faults.run('read', () => this.some(open, faults.units, codec, unreadable))),
            (attempt) => faults.units.wait(attempt),
          ),
        ),
      write: (id, state, version, marks = WHOLE) => {
        // Asked before the request is on its way.
        const erased = version === null && this.refuses(id);
        if (erased) return faults.run('write', () => 'erased' as const);
        return patiently(faults, () =>
          faults.run('write', () => {
            if (!faults.units.take('write', id)) throw new ThrottledError('the partition has no units left');
            return this.put(id, state, version, marks, codec);
          }),
        );
      },
      pass: (id, marks) => faults.run('write', () => this.pass(id, marks)),
      ready: () => faults.run('read', () => true),
    };
  }

  private pass(id: string, marks: Positions): boolean {
    const row = this.rows.get(id);
    if (!row) return false;
    const { version, ...rest } = row;
    const watermarks = highestMarks(row.watermarks, marks);
    return this.putRow(id, { ...rest, watermarks, marks: { ...row.marks, heal: true } }, version);
  }

  /** Puts a row under the condition on its version; null: there must be none. */
  putRow(id: string, row: Omit<Row, 'version'>, version: number | null): boolean {
    const before = this.rows.get(id);
    if ((before?.version ?? null) !== version) return false;
    const next = { ...row, version: (version ?? 0) + 1 };
    this.rows.set(id, next);
    this.written(id, next, before);
    return true;
  }

  /** One request: what its partitions have units for; when that is nothing, it is refused. */
  private some(ids: readonly string[], units: Units, codec?: StateCodec, unreadable?: Unreadable) {
    const taken = new Set(ids.filter((id) => units.take('read', id)));
    if (taken.size === 0) throw new ThrottledError('the partitions have no units left');
    const found = [...taken].flatMap((id) => this.readable(id, codec, unreadable));
    return { found, open: ids.filter((id) => !taken.has(id)) };
  }

  private readable(id: string, codec?: StateCodec, unreadable?: Unreadable): [string, StoredState][] {
    try {
      return this.get(id, codec);
    } catch (error) {
      if (!unreadable) throw error;
      unreadable(id, error);
      return [];
    }
  }

  /** As every reader of the table sees it. */
  get(id: string, codec?: StateCodec): [string, StoredState][] {
    const row = this.rows.get(id);
    if (!row) return [];
    if (!codec) return [[id, stateOf(this.plan, itemOf(this.plan, id, row))]];
    return [[id, { state: codec.decode(this.plan, row.bytes, row.watermarks), version: row.version }]];
  }

  private put(
    id: string,
    state: EntityState,
    version: number | null,
    marks: StateMarks,
    codec?: StateCodec,
  ): number | 'conflict' {
    const bytes = (codec?.encode ?? encodeState)(this.plan, state);
    if (bytes.length > this.maxBytes) throw new StateTooLargeError('state: too large');
    return this.putRow(id, { bytes, watermarks: state.watermarks, marks }, version) ? bytes.length : 'conflict';
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
  /** Told of every alert. */
  alerted: (record: ScoreRecord, alert: AlertRecord) => void = () => {};

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
    if (alert) {
      this.alerts.set(key, alert);
      this.alerted(record, alert);
    }
    return true;
  }
}
