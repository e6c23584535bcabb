/** The processor's way from record bytes to state bytes, in one thread: with its ports, and by the pure core alone. */

import { type AdmitOptions, admit, type CompiledContracts, compileContracts } from '../../core/admission/admit.ts';
import type { CanonicalEvent, UseCaseIR } from '../../core/ir/document.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { finalise } from '../../core/state/finalise.ts';
import { compileView, type ViewPlan } from '../../core/state/plan.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import type { ProcessorPorts } from '../../engine/ingest/batch.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import type { MemoryStates } from '../../engine/memory/states.ts';
import { WHOLE } from '../../engine/ports.ts';
import type { StateRow } from '../../engine/state-row.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { MAX_EVENT_BYTES } from '../../names/limits.ts';

const OPTIONS: AdmitOptions = { replay: false, available_lag_ms: 0, max_bytes: MAX_EVENT_BYTES };

export class Engine {
  readonly plan: ViewPlan;
  readonly contracts: CompiledContracts;
  private readonly options: AdmitOptions;

  constructor(useCase: UseCaseIR, options: AdmitOptions = OPTIONS) {
    this.plan = compileView(useCase.views[0]!);
    this.contracts = compileContracts(useCase.contracts);
    this.options = options;
  }

  /**
   * Through `processBatch`, as the Lambda function does.
   * @returns events applied
   * @throws Error on the first record that is not applied as it should be: all of them are good and new
   */
  async throughPorts(records: readonly StreamRecord[], batch: number, states: MemoryStates): Promise<number> {
    const refuse = (what: string) => async () => {
      throw new Error(`stream: found a record for ${what}; allowed: none`);
    };
    const ports: ProcessorPorts = {
      states,
      quarantine: refuse('the quarantine'),
      reroute: refuse('another shard'),
      clock: null,
      onFailure: (error) => {
        throw error;
      },
      // The store answers at once, so there is nothing to wait for.
      pause: async () => {},
    };
    const rules = { contracts: this.contracts, plan: this.plan, admit: this.options };
    let applied = 0;
    for (let from = 0; from < records.length; from += batch) {
      const result = await processBatch(records.slice(from, from + batch), rules, ports);
      applied += result.applied;
    }
    if (applied !== records.length) throw new Error(`stream: found ${applied} applied; allowed: ${records.length}`);
    return applied;
  }

  /** The same work with no ports and no promises: what the core costs. */
  coreOnly(records: readonly StreamRecord[], batch: number, items: Map<string, StateRow>): void {
    for (let from = 0; from < records.length; from += batch) {
      const groups = new Map<string, CanonicalEvent[]>();
      const until = Math.min(records.length, from + batch);
      for (let i = from; i < until; i++) {
        const record = records[i]!;
        const result = admit(record.data, record.position, this.contracts, this.options);
        if (!result.ok) throw new Error(`stream: found a record refused as ${result.reason}; allowed: none`);
        const group = groups.get(result.event.entity_id);
        if (group) group.push(result.event);
        else groups.set(result.event.entity_id, [result.event]);
      }
      for (const [entity_id, events] of groups) {
        const item = items.get(entity_id);
        const before = item ? decodeState(this.plan, item.bytes, item.watermarks) : emptyState(this.plan);
        const { state } = applyEvents(this.plan, before, events);
        const bytes = encodeState(this.plan, state);
        items.set(entity_id, {
          bytes,
          watermarks: state.watermarks,
          revision: (item?.revision ?? 0) + 1,
          flags: WHOLE,
        });
      }
    }
  }

  /** Sum over all entities of a feature that is a count over a lifetime: what was really stored. */
  total(items: ReadonlyMap<string, StateRow>, feature: string, t: number): number {
    const at = this.plan.view.features.findIndex(({ name }) => name === feature);
    let total = 0;
    for (const { bytes, watermarks } of items.values()) {
      total += finalise(this.plan, decodeState(this.plan, bytes, watermarks), t)[at] as number;
    }
    return total;
  }
}

/** What plain JSON costs: the floor under every engine that reads these bytes. @returns how many events it saw */
export function parseOnly(records: readonly StreamRecord[]): number {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let seen = 0;
  for (const { data } of records) if (JSON.parse(decoder.decode(data)).event_type === 'order') seen++;
  return seen;
}
