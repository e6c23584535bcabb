/** One batch of one shard: admit, apply, write each state once. Effects go through ports; decisions are core's. */

import { applyExactly } from '../../core/state/apply-exactly.ts';
import { type Applied, compareSequence } from '../../core/state/state.ts';
import { MAX_TRIES, pause } from '../backoff.ts';
import { chunks } from '../chunks.ts';
import { mapConcurrently } from '../concurrently.ts';
import { StateTooLargeError } from '../ports.ts';
import type { StreamRecord } from '../stream-record.ts';
import type { BatchResult, ProcessorPorts, ProcessorRules } from './batch.ts';
import { type Located, type QuarantineLine, refusedDuplicate, refusedForState } from './quarantine.ts';
import { Refusals } from './refusals.ts';
import { sortRecords, type Work } from './sort.ts';
import { type Basis, VersionRun, type ViewVersion } from './view-run.ts';

const WRITERS = 16;
const BEYOND_EXACT = 'state: found a sum beyond 2^53 with this event; allowed: exact integers';
/**
 * Entities that are read (one BatchGetItem), applied and written together. A large batch that is decoded all at once costs a
 * third of its time in the garbage collector, which copies states that only wait to be written.
 */
const PORTION = 100;

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
  private readonly failures: string[] = [];
  private readonly rules: ProcessorRules;
  private readonly ports: ProcessorPorts;
  private readonly refusals: Refusals;

  constructor(rules: ProcessorRules, ports: ProcessorPorts) {
    this.rules = rules;
    this.ports = ports;
    this.refusals = new Refusals(ports.quarantine, ports.tombstones);
  }

  async run(records: readonly StreamRecord[]): Promise<BatchResult> {
    await this.ports.retireOthers?.();
    const { contracts, admit } = this.rules;
    const { works, counts, ...others } = sortRecords(records, contracts, admit, this.ports.drift);
    await this.refusals.store(others.lines);
    await this.reroute(others.misrouted);
    const versions = await this.versions(records);
    for (const portion of chunks(works, PORTION)) {
      const lines: QuarantineLine[] = [];
      const tasks = await this.prepare(versions, portion, lines);
      // The quarantine comes before the states: once a watermark has moved, a redelivery would not find the record again.
      await this.refusals.store(lines);
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
      ...counts,
      ...this.tally,
      erased: this.tally.erased + this.refusals.erased,
      bytes: this.bytes,
      quarantined: this.refusals.reasons,
    };
  }

  /** The newest first. */
  private versions(records: readonly StreamRecord[]): Promise<VersionRun[]> {
    const { previous, states, cutovers } = this.ports;
    const versions: ViewVersion[] = [{ plan: this.rules.plan, states, cutovers }, ...(previous ? [previous] : [])];
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
   * A state that can't be read takes no events, and no lane waits for it: its watermarks say what it lacks, and the healing makes it
   * anew of the archive, once that reaches there.
   */
  private async pass(run: VersionRun, { entity_id, located }: Work, error: unknown): Promise<void> {
    this.ports.onFailure(error);
    const positions = Object.fromEntries(
      located.map(({ record }) => [record.position.shard_id, record.position.sequence_number]),
    );
    await this.attempt(located[0]!.record, async () => {
      if (!(await run.states.pass?.(entity_id, positions))) throw error;
    });
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
      await this.refusals.store(lines);
    }
  }

  /** @returns the size written, null when the events were quarantined because the state would be too large */
  private async put(
    { run, work }: Task,
    next: Applied,
    { revision, flags }: Basis,
  ): Promise<number | 'conflict' | 'erased' | null> {
    try {
      return await run.states.write(work.entity_id, next.state, revision, flags);
    } catch (error) {
      if (!(error instanceof StateTooLargeError)) throw error;
      await this.refusals.store(work.located.map((one) => refusedForState(one, 'OVERSIZE', error.message)));
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
