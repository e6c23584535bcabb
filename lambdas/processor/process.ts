/** One batch of one shard: admit, apply, write each state once. Effects go through ports; decisions are core's. */
import { type AdmitOptions, admit, type CompiledContracts } from '../../core/contract.ts';
import type { CanonicalEvent } from '../../core/ir.ts';
import { applyEvents, compareSequence, emptyState } from '../../core/state.ts';
import type { ViewPlan } from '../../core/view.ts';
import { MAX_TRIES, mapConcurrently, pause } from '../shared/backoff.ts';
import type { ReplayClock, StateStore, StoredState } from '../shared/ports.ts';
import type { StreamRecord } from '../shared/stream-records.ts';
import { type QuarantineLine, quarantineLine } from './quarantine.ts';

const WRITERS = 16;

export interface ProcessorPorts {
  readonly states: StateStore;
  readonly quarantine: (lines: readonly QuarantineLine[]) => Promise<void>;
  /** Puts a record again under its entity. */
  readonly reroute: (entity_id: string, data: Uint8Array) => Promise<void>;
  /** Replays only. */
  readonly clock: ReplayClock | null;
  /** Told of every entity that failed; the batch goes on. */
  readonly onFailure: (error: unknown) => void;
}

export interface ProcessorRules {
  readonly contracts: CompiledContracts;
  readonly plan: ViewPlan;
  readonly admit: AdmitOptions;
}

export interface BatchResult {
  /** The lowest sequence number that must be delivered again; null when all is done. */
  readonly failed: string | null;
  readonly admitted: number;
  readonly clamped: number;
  readonly misrouted: number;
  readonly unknown: number;
  readonly applied: number;
  readonly duplicates: number;
  readonly skipped: number;
  readonly written: number;
  readonly conflicts: number;
  readonly bytes: readonly number[];
  readonly quarantined: ReadonlyMap<string, number>;
  /** ms UTC; -1 when nothing was admitted. */
  readonly newest_event_time: number;
}

interface Located {
  readonly event: CanonicalEvent;
  readonly record: StreamRecord;
}

export async function processBatch(
  records: readonly StreamRecord[],
  rules: ProcessorRules,
  ports: ProcessorPorts,
): Promise<BatchResult> {
  const tally = {
    admitted: 0,
    clamped: 0,
    misrouted: 0,
    unknown: 0,
    applied: 0,
    duplicates: 0,
    skipped: 0,
    written: 0,
    conflicts: 0,
  };
  const bytes: number[] = [];
  const lines: QuarantineLine[] = [];
  const failures: string[] = [];
  const byEntity = new Map<string, Located[]>();
  for (const record of records) {
    const result = admit(record.data, record.position, rules.contracts, rules.admit);
    if (!result.ok) {
      lines.push(quarantineLine(record, result));
      continue;
    }
    tally.admitted++;
    if (result.clamped) tally.clamped++;
    if (result.unknown_fields.length > 0) tally.unknown++;
    const { event } = result;
    if (result.misrouted) {
      tally.misrouted++;
      await attempt(record, () => ports.reroute(event.entity_id, record.data));
      continue;
    }
    byEntity.set(event.entity_id, [...(byEntity.get(event.entity_id) ?? []), { event, record }]);
  }

  const stored = await ports.states.read([...byEntity.keys()]);
  // The quarantine comes before the states: once a watermark has moved, a redelivery would not find the record again.
  for (const [entity, located] of byEntity) lines.push(...duplicatesOf(located, stored.get(entity)));
  await ports.quarantine(lines);

  let newest_event_time = -1;
  let newest_arrival = -1;
  await mapConcurrently([...byEntity], WRITERS, async ([entity, located]) => {
    await attempt(located[0]!.record, () => applyToEntity(entity, located, stored.get(entity)));
    for (const { event } of located) {
      newest_event_time = Math.max(newest_event_time, event.event_time);
      newest_arrival = Math.max(newest_arrival, event.available_at);
    }
  });
  if (newest_arrival >= 0) await ports.clock?.advance(newest_arrival + 1);

  async function attempt(first: StreamRecord, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      ports.onFailure(error);
      failures.push(first.position.sequence_number);
    }
  }

  function duplicatesOf(located: readonly Located[], from: StoredState | undefined): QuarantineLine[] {
    const { duplicates } = applyEvents(
      rules.plan,
      from?.state ?? emptyState(rules.plan),
      located.map((one) => one.event),
    );
    return located
      .filter(({ event }) => duplicates.includes(event))
      .map(({ record, event }) => quarantineLine(record, duplicateOf(event)));
  }

  /** Reads again and applies again whenever another writer was faster; the watermark tells what is already in. */
  async function applyToEntity(
    entity: string,
    located: readonly Located[],
    first: StoredState | undefined,
  ): Promise<void> {
    const events = located.map((one) => one.event);
    for (let from = first, attempts = 0; ; attempts++) {
      const outcome = applyEvents(rules.plan, from?.state ?? emptyState(rules.plan), events);
      const changed = outcome.applied + outcome.duplicates.length > 0;
      const size = changed ? await ports.states.write(entity, outcome.state, from?.version ?? null) : 0;
      if (size !== 'conflict') {
        tally.applied += outcome.applied;
        tally.duplicates += outcome.duplicates.length;
        tally.skipped += outcome.skipped;
        if (changed) tally.written++;
        if (changed) bytes.push(size);
        return;
      }
      tally.conflicts++;
      if (attempts === MAX_TRIES)
        throw new Error('a state lost every conditional write; its events are delivered again');
      await pause(attempts);
      from = (await ports.states.read([entity])).get(entity);
      await ports.quarantine(duplicatesOf(located, from));
    }
  }

  const quarantined = new Map<string, number>();
  for (const line of lines) quarantined.set(line.reason, (quarantined.get(line.reason) ?? 0) + 1);
  failures.sort(compareSequence);
  return { failed: failures[0] ?? null, ...tally, bytes, quarantined, newest_event_time };
}

function duplicateOf(event: CanonicalEvent) {
  return {
    reason: 'DUPLICATE_EVENT_ID' as const,
    detail: 'event_id: found an id that was counted within the dedupe horizon; allowed: each id once',
    event_type: event.event_type,
    schema_version: event.schema_version,
  };
}
