import type { ProcessorPorts } from '../../engine/ingest/batch.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { type QuarantineLine, writeQuarantine } from '../../engine/ingest/quarantine.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { RULES, usecase } from './use-case.ts';

export class World {
  readonly states: MemoryStates;
  readonly lake = new MemoryLake();
  readonly rerouted: { readonly entity_id: string; readonly data: Uint8Array }[] = [];
  readonly errors: unknown[] = [];
  now: number | null = null;

  constructor(maxBytes?: number) {
    this.states = new MemoryStates(usecase.plan, { max_bytes: maxBytes });
  }

  run(batch: readonly StreamRecord[], over: Partial<ProcessorPorts> = {}) {
    return processBatch(batch, RULES, {
      states: this.states.port(),
      quarantine: (lines) => writeQuarantine(this.lake.port(), lines),
      reroute: async (events) => void this.rerouted.push(...events),
      clock: {
        read: async () => this.now,
        advance: async (to) => {
          this.now = Math.max(this.now ?? 0, to);
        },
      },
      onFailure: (error) => this.errors.push(error),
      pause: () => Promise.resolve(),
      ...over,
    });
  }

  get lines(): QuarantineLine[] {
    return [...this.lake.objects.values()].flat() as QuarantineLine[];
  }
}
