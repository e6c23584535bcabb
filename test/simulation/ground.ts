/** What everything in a simulated world stands on: chance, time, what goes wrong, and what was seen of it. */
import { compileContracts } from '../../core/admission/admit.ts';
import type { AdmitRecordOptions } from '../../core/admission/record-parts.ts';
import type { Tombstones } from '../../engine/ports.ts';
import { contracts, EPOCH } from '../core/generators.ts';
import { Chance } from './chance.ts';
import { MAX_BYTES } from './facts.ts';
import { drawProfile, emptyTally, type FaultKind, type Profile } from './profile.ts';
import type { Sandbox } from './sandbox.ts';
import { Scheduler } from './scheduler.ts';

const CONTRACTS = compileContracts(contracts);

export class Ground {
  readonly seed: number;
  readonly chance: Chance;
  readonly profile: Profile;
  readonly sandbox: Sandbox;
  readonly time = new Scheduler();
  readonly tally = emptyTally();
  readonly violations: string[] = [];
  readonly admitOptions: AdmitRecordOptions;
  /** Nothing goes wrong any more. */
  calm = false;
  /** No store answers. */
  down = false;
  /** Entity → when its tombstone was written, ms since the start. */
  readonly erasedAt = new Map<string, number>();
  /** What still runs, without the pollers, which never end. */
  open = 0;

  constructor(seed: number, sandbox: Sandbox) {
    this.seed = seed;
    this.sandbox = sandbox;
    this.chance = new Chance(seed);
    this.profile = drawProfile(this.chance);
    const { replay, lanes } = this.profile;
    this.admitOptions = { replay, available_lag_ms: 1000, max_bytes: MAX_BYTES, lanes };
  }

  /** ms UTC by a right clock. */
  get now(): number {
    return EPOCH + this.time.now;
  }

  get contracts(): typeof CONTRACTS {
    return CONTRACTS;
  }

  note(kind: FaultKind): void {
    this.tally[kind]++;
  }

  /** Whether something goes wrong here and now. */
  fails(probability: number): boolean {
    return this.chance.of(this.calm ? 0 : probability);
  }

  /** As a function knows it: from a list that is a second old at most. */
  isErased(entity: string): boolean {
    const at = this.erasedAt.get(entity);
    return this.sandbox.erased(at !== undefined && at <= this.time.now - this.chance.int(1000));
  }

  get tombstones(): Tombstones {
    return { erased: async (ids) => new Set(ids.filter((id) => this.isErased(id))) };
  }

  violated(what: string): void {
    this.violations.push(what);
  }

  /** Lets something run beside everything else; the end of the simulation waits for it. */
  async run(task: () => Promise<void>): Promise<void> {
    this.open++;
    await this.watch(task);
    this.open--;
  }

  /** Lets something run for as long as there is something to do. */
  async watch(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.violated(`the simulation itself failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}
