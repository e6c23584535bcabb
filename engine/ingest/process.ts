/** One batch of one shard: admit, apply, write each state once. Effects go through ports; decisions are core's. */

import type { CompiledContracts } from '../../core/admission/admit.ts';
import { type AdmitRecordOptions, admitRecord, type RecordPart } from '../../core/admission/record-parts.ts';
import { subjectsOf } from '../../core/admission/tombstone.ts';
import { applyExactly } from '../../core/state/apply-exactly.ts';
import type { ViewPlan } from '../../core/state/plan.ts';
import { type Applied, compareSequence } from '../../core/state/state.ts';
import { MAX_TRIES, pause } from '../backoff.ts';
import { chunks } from '../chunks.ts';
import { mapConcurrently } from '../concurrently.ts';
import { type Joins, type ReplayClock, type StateStore, StateTooLargeError, type Tombstones } from '../ports.ts';
import type { StreamRecord } from '../stream-record.ts';
import { type Located, type QuarantineLine, quarantineLine, refusedDuplicate, refusedForState } from './quarantine.ts';
import { type Basis, VersionRun, type ViewVersion } from './view-run.ts';

const WRITERS = 16;
const BEYOND_EXACT = 'state: found a sum beyond 2^53 with this event; allowed: exact integers';
/**
 * Entities that are read (one BatchGetItem), applied and written together. A large batch that is decoded all at once costs a
 * third of its time in the garbage collector, which copies states that only wait to be written.
 */
const PORTION = 100;

export interface ProcessorPorts {
  readonly states: StateStore;
  /** @default - the backfill of the view is complete */
  readonly joins?: Joins;
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
  readonly unknown: number;
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
  /** Entities whose state could not be read: its marks moved over their events, and the healing makes it anew. */
  readonly unreadable: number;
  readonly bytes: readonly number[];
  readonly quarantined: ReadonlyMap<string, number>;
}

/** The events of one entity in this batch, in the order of the shard. */
interface Work {
  readonly entity_id: string;
  readonly located: Located[];
}

/** What one version does for one entity. */
interface Task {
  readonly run: VersionRun;
  readonly work: Work;
  readonly basis: Basis;
  /** Whether this version says how many events were applied, and which were refused as copies. */
  readonly counts: boolean;
  readonly outcome: Applied;
}

function takenBy(run: VersionRun, work: Work): Work | null {
  if (run.takesAll) return work;
  const located = work.located.filter(({ event }) => run.takes(event));
  return located.length > 0 ? { ...work, located } : null;
}

/**
 * Safe under every redelivery: what was applied is behind the watermark of its state, which is written with it.
 * @throws Error when the states can't be read or the quarantine can't be written: the whole batch is delivered again
 */
export async function processBatch(
  records: readonly StreamRecord[],
  rules: ProcessorRules,
  ports: ProcessorPorts,
): Promise<BatchResult> {
  return new Batch(rules, ports).run(records);
}

class Batch {
  private readonly tally = {
    admitted: 0,
    clamped: 0,
    misrouted: 0,
    unknown: 0,
    applied: 0,
    duplicates: 0,
    skipped: 0,
    written: 0,
    conflicts: 0,
    doubled: 0,
    erased: 0,
    unreadable: 0,
  };
  private readonly bytes: number[] = [];
  private readonly quarantined = new Map<string, number>();
  /** Where records were refused: each once, by whichever version. */
  private readonly refused = new Set<string>();
  private readonly failures: string[] = [];
  private readonly rules: ProcessorRules;
  private readonly ports: ProcessorPorts;

  constructor(rules: ProcessorRules, ports: ProcessorPorts) {
    this.rules = rules;
    this.ports = ports;
  }

  async run(records: readonly StreamRecord[]): Promise<BatchResult> {
    await this.ports.retireOthers?.();
    const works = await this.sort(records);
    const versions = await this.versions(records);
    for (const portion of chunks(works, PORTION)) {
      const lines: QuarantineLine[] = [];
      const tasks = await this.prepare(versions, portion, lines);
      // The quarantine comes before the states: once a watermark has moved, a redelivery would not find the record again.
      await this.quarantine(lines);
      await mapConcurrently(tasks, WRITERS, async (ofEntity) => {
        for (const task of ofEntity) await this.attempt(task.work.located[0]!.record, () => this.write(task));
      });
    }
    const newest = works
      .flatMap((work) => work.located)
      .reduce((to, { event }) => Math.max(to, event.available_at), -1);
    if (newest >= 0) await this.ports.clock?.advance(newest + 1);
    return {
      failed: this.failures.sort(compareSequence)[0] ?? null,
      ...this.tally,
      bytes: this.bytes,
      quarantined: this.quarantined,
    };
  }

  /** The newest first. */
  private versions(records: readonly StreamRecord[]): Promise<VersionRun[]> {
    const { previous, states, joins } = this.ports;
    const versions: ViewVersion[] = [{ plan: this.rules.plan, states, joins }, ...(previous ? [previous] : [])];
    return Promise.all(versions.map((version) => VersionRun.open(version, records)));
  }

  /** Of each entity, what has to be written in each version: the newest may start from what the other knows. */
  private async prepare(
    runs: readonly VersionRun[],
    works: readonly Work[],
    lines: QuarantineLine[],
  ): Promise<Task[][]> {
    const taken = runs.map((run) => works.map((work) => takenBy(run, work)));
    const damaged = runs.map(() => new Map<string, unknown>());
    const stored = await Promise.all(
      runs.map((run, v) => {
        const entities = taken[v]!.flatMap((work) => (work ? [work.entity_id] : []));
        return run.states.read(entities, (entity_id, error) => void damaged[v]!.set(entity_id, error));
      }),
    );
    const serving = runs.length - 1;
    const prepared = works.map(({ entity_id }, i) =>
      runs.flatMap((run, v): Task[] => {
        const work = taken[v]![i];
        if (!work || damaged[v]!.has(entity_id)) return [];
        const own: QuarantineLine[] = [];
        try {
          const other = v === serving ? undefined : stored[serving]!.get(entity_id);
          const basis = run.basis(stored[v]!.get(entity_id), other);
          const counts = v === serving;
          const task = { run, work, basis, counts, outcome: this.apply({ run, work, counts }, basis, own) };
          lines.push(...own);
          return [task];
        } catch (error) {
          // The bytes of a state are read where they are needed, so a damaged one may show here at last.
          damaged[v]!.set(entity_id, error);
          return [];
        }
      }),
    );
    this.tally.unreadable += new Set(damaged.flatMap((some) => [...some.keys()])).size;
    const unread = works.flatMap(({ entity_id }, i) =>
      runs.flatMap((run, v) =>
        damaged[v]!.has(entity_id) ? [this.pass(run, taken[v]![i]!, damaged[v]!.get(entity_id))] : [],
      ),
    );
    await Promise.all(unread);
    return prepared;
  }

  /**
   * A state that can't be read takes no events, and no lane waits for it: its marks say what it lacks, and the healing makes it
   * anew of the archive, once that reaches there.
   */
  private async pass(run: VersionRun, { entity_id, located }: Work, error: unknown): Promise<void> {
    this.ports.onFailure(error);
    const marks = Object.fromEntries(
      located.map(({ record }) => [record.position.shard_id, record.position.sequence_number]),
    );
    await this.attempt(located[0]!.record, async () => {
      if (!(await run.states.pass?.(entity_id, marks))) throw error;
    });
  }

  /** Admits each record: to its entity, to the quarantine, or back into the stream under its own key. */
  private async sort(records: readonly StreamRecord[]): Promise<Work[]> {
    const lines: QuarantineLine[] = [];
    const misrouted: Located[] = [];
    const works = new Map<string, Work>();
    for (const record of this.parts(records)) {
      const { result } = record;
      if (!result.ok) {
        lines.push(quarantineLine(record, result));
        continue;
      }
      const { event } = result;
      this.tally.admitted++;
      if (result.clamped) this.tally.clamped++;
      if (result.unknown_fields.length > 0) this.tally.unknown++;
      if (result.misrouted) {
        this.tally.misrouted++;
        misrouted.push({ event, record });
        continue;
      }
      const work = works.get(event.entity_id) ?? { entity_id: event.entity_id, located: [] };
      works.set(event.entity_id, work);
      work.located.push({ event, record });
    }
    await this.quarantine(lines);
    await this.reroute(misrouted);
    return [...works.values()];
  }

  private *parts(records: readonly StreamRecord[]): Generator<RecordPart> {
    for (const record of records) yield* admitRecord(record, this.rules.contracts, this.rules.admit);
  }

  private async reroute(misrouted: readonly Located[]): Promise<void> {
    const [first] = misrouted;
    if (!first) return;
    const events = misrouted.map(({ event, record }) => ({ entity_id: event.entity_id, data: record.data }));
    await this.attempt(first.record, () => this.ports.reroute(events));
  }

  /** What no state can hold is in `lines` then, so that it blocks nobody. */
  private apply(
    { run, work, counts }: Pick<Task, 'run' | 'work' | 'counts'>,
    from: Basis,
    lines: QuarantineLine[],
  ): Applied {
    const events = work.located.map((one) => one.event);
    const outcome = applyExactly(run.plan, from.state, events, { read_at: this.rules.read_at });
    if (counts && outcome.duplicates.length > 0) {
      const duplicates = new Set(outcome.duplicates);
      lines.push(...work.located.filter(({ event }) => duplicates.has(event)).map(refusedDuplicate));
    }
    if (outcome.refused.length > 0) {
      const refused = new Set(outcome.refused);
      const own = work.located.filter(({ event }) => refused.has(event));
      lines.push(...own.map((one) => refusedForState(one, 'DECIMAL_OVERFLOW', BEYOND_EXACT)));
    }
    return outcome;
  }

  /** Reads again and applies again whenever another writer was faster; the watermark tells what is already in. */
  private async write(task: Task): Promise<void> {
    const { run, work } = task;
    let from = task.basis;
    let next = task.outcome;
    for (let attempt = 0; ; attempt++) {
      const fresh = next.applied + next.duplicates.length;
      const size = fresh > 0 ? await this.put(task, next, from) : null;
      if (size === 'erased') {
        if (task.counts) this.tally.erased += fresh;
        return;
      }
      if (size !== 'conflict') return this.note(task, next, from, size);
      this.tally.conflicts++;
      if (attempt === MAX_TRIES)
        throw new Error('a state lost every conditional write; its events are delivered again');
      await (this.ports.pause ?? pause)(attempt);
      from = run.basis((await run.states.read([work.entity_id])).get(work.entity_id));
      const lines: QuarantineLine[] = [];
      next = this.apply(task, from, lines);
      await this.quarantine(lines);
    }
  }

  /** @returns the size written, null when the events were quarantined because the state would be too large */
  private async put(
    { run, work }: Task,
    next: Applied,
    { version, marks }: Basis,
  ): Promise<number | 'conflict' | 'erased' | null> {
    try {
      return await run.states.write(work.entity_id, next.state, version, marks);
    } catch (error) {
      if (!(error instanceof StateTooLargeError)) throw error;
      await this.quarantine(work.located.map((one) => refusedForState(one, 'OVERSIZE', error.message)));
      return null;
    }
  }

  private note({ counts }: Task, outcome: Applied, from: Basis, size: number | null): void {
    if (counts) this.tally.skipped += outcome.skipped;
    if (size === null) return;
    if (counts) this.tally.applied += outcome.applied;
    if (counts) this.tally.duplicates += outcome.duplicates.length;
    this.tally.doubled += from.twice;
    this.tally.written++;
    this.bytes.push(size);
  }

  private async quarantine(lines: readonly QuarantineLine[]): Promise<void> {
    const open = new Map(lines.map((line) => [positionOf(line), line]));
    for (const position of this.refused) open.delete(position);
    const kept = await this.withoutErased([...open.values()]);
    if (kept.length > 0) await this.ports.quarantine(kept);
    for (const line of kept) {
      this.refused.add(positionOf(line));
      this.quarantined.set(line.reason, (this.quarantined.get(line.reason) ?? 0) + 1);
    }
  }

  /** What nobody may keep of an erased entity is not kept as a refused record either. */
  private async withoutErased(lines: readonly QuarantineLine[]): Promise<readonly QuarantineLine[]> {
    if (lines.length === 0 || !this.ports.tombstones) return lines;
    const subjects = lines.map((line) => subjectsOf(line.partition_key, Buffer.from(line.raw_base64, 'base64')));
    const erased = await this.ports.tombstones.erased([...new Set(subjects.flat())]);
    const kept = lines.filter((_, i) => !subjects[i]!.some((id) => erased.has(id)));
    this.tally.erased += lines.length - kept.length;
    return kept;
  }

  private async attempt(first: StreamRecord, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.failed(first, error);
    }
  }

  private failed({ position }: StreamRecord, error: unknown): void {
    this.ports.onFailure(error);
    this.failures.push(position.sequence_number);
  }
}

function positionOf({ shard_id, sequence_number, sub_sequence }: QuarantineLine): string {
  return `${shard_id} ${sequence_number} ${sub_sequence}`;
}
