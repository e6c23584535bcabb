import type { FeatureViewIR } from '../../core/ir/document.ts';
import type { ProcessorPorts, ProcessorRules } from '../../engine/ingest/batch.ts';
import type { QuarantineLine } from '../../engine/ingest/quarantine.ts';
import type { Faults } from '../../engine/memory/faults.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import type { ReplayClock } from '../../engine/ports.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import type { Ground } from './ground.ts';
import { Version } from './version.ts';

type VersionPorts = Pick<ProcessorPorts, 'states' | 'cutovers' | 'previous' | 'retireOthers'>;

/** One view with its own processor, quarantine and scorer, on the stream that all read. */
export class Deployment {
  /** The version that serves. */
  readonly current: Version;
  /** The version that is released in mid-stream. */
  readonly next: Version | null;
  readonly quarantine = new MemoryLake();
  /** What the event source mapping gave up: the on-failure destination. */
  readonly givenUp = new Set<StreamRecord>();
  /** What of it is not yet put again. */
  readonly toRedrive: StreamRecord[] = [];
  /** Data of records that were put again under their own entity. */
  readonly rerouted = new Set<string>();
  readonly replayClock: { now: number | null } = { now: null };
  /** Functions that start from now on keep up the next version, too. */
  released = false;
  private readonly world: Ground;

  constructor(world: Ground, view: FeatureViewIR, next: FeatureViewIR | null) {
    this.world = world;
    this.current = new Version(world, view, true);
    this.next = next && new Version(world, next, false);
  }

  /** What an invocation that starts now is composed of. */
  compose(faults: Faults): { rules: ProcessorRules; versions: VersionPorts } {
    const { contracts, admitOptions: admit, sandbox } = this.world;
    const newest = this.released && this.next ? this.next : this.current;
    const others = newest === this.current && this.next ? [this.next] : [];
    const retireOthers = sandbox.retire(async () => {
      for (const version of others) await faults.run('put', () => version.retire());
    });
    const { plan, states, cutovers } = newest.port(faults);
    const previous = newest === this.current ? undefined : this.current.port(faults);
    return { rules: { contracts, plan, admit }, versions: { states, cutovers, previous, retireOthers } };
  }

  clockPort(faults: Faults): ReplayClock {
    const at = this.replayClock;
    return {
      read: () => faults.run('read', () => at.now),
      advance: (to) =>
        faults.run('put', () => {
          at.now = Math.max(at.now ?? 0, to);
        }),
    };
  }

  /** Refused records by position. */
  get refused(): Map<string, QuarantineLine[]> {
    const byPosition = new Map<string, QuarantineLine[]>();
    for (const line of [...this.quarantine.objects.values()].flat() as QuarantineLine[]) {
      const at = placeOf(line);
      byPosition.set(at, [...(byPosition.get(at) ?? []), line]);
    }
    return byPosition;
  }
}

export interface Place {
  readonly shard_id: string;
  readonly sequence_number: string;
  readonly sub_sequence?: number;
}

export function placeOf({ shard_id, sequence_number, sub_sequence = 0 }: Place): string {
  return `${shard_id} ${sequence_number} ${sub_sequence}`;
}
