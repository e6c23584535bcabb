/** What one seed runs on, and what is written down on the way. */
import fc from 'fast-check';
import { compileContracts } from '../../core/admission/admit.ts';
import { type AdmitRecordOptions, admitRecord, type RecordPart } from '../../core/admission/record-parts.ts';
import type { FeatureViewIR } from '../../core/ir/document.ts';
import type { Tombstones } from '../../engine/ports.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { contracts, EPOCH, view } from '../core/generators.ts';
import { Chance } from './chance.ts';
import { Deployment } from './deployment.ts';
import { MAX_BYTES, type Sent } from './facts.ts';
import { Kinesis, type Shard } from './kinesis.ts';
import { Partitions } from './partition-units.ts';
import { drawProfile, emptyTally, type FaultKind, type Profile } from './profile.ts';
import type { Sandbox } from './sandbox.ts';
import { Scheduler } from './scheduler.ts';

const CONTRACTS = compileContracts(contracts);

export class World {
  readonly seed: number;
  readonly chance: Chance;
  readonly profile: Profile;
  readonly sandbox: Sandbox;
  readonly time = new Scheduler();
  readonly partitions: Partitions;
  readonly stream: Kinesis;
  readonly tally = emptyTally();
  readonly violations: string[] = [];
  readonly admitOptions: AdmitRecordOptions;
  readonly deployments: readonly Deployment[];
  /** What a producer meant by a record; absent for records that the processor put again. */
  readonly sent = new Map<StreamRecord, Sent>();
  /** Nothing goes wrong any more. */
  calm = false;
  /** No store answers. */
  down = false;
  /** Entity → when its tombstone was written, ms since the start. */
  readonly erasedAt = new Map<string, number>();
  /** Places of copies that came while a state could not be read. */
  readonly healedCopies = new Set<string>();
  /** Jobs that are writing states. */
  writing = 0;
  /** What still runs, without the pollers, which never end. */
  open = 0;
  private readonly puts = new Map<StreamRecord, number>();
  private readonly results = new Map<StreamRecord, readonly RecordPart[]>();

  constructor(seed: number, sandbox: Sandbox) {
    this.seed = seed;
    this.sandbox = sandbox;
    this.chance = new Chance(seed);
    this.profile = drawProfile(this.chance);
    this.partitions = new Partitions(this);
    const { replay, lanes } = this.profile;
    this.admitOptions = { replay, available_lag_ms: 1000, max_bytes: MAX_BYTES, lanes };
    const views = fc.sample(view, { seed, numRuns: this.profile.views + (this.profile.release ? 1 : 0) });
    this.stream = new Kinesis(this.profile.shards, (shard) => this.pollers(shard));
    this.deployments = this.deploy(views.map((one) => this.remembering(one)));
  }

  /** Told of every shard; set by whoever reads the stream. */
  pollers: (shard: Shard) => void = () => {};

  /** ms UTC by a right clock. */
  get now(): number {
    return EPOCH + this.time.now;
  }

  get contracts(): typeof CONTRACTS {
    return CONTRACTS;
  }

  calmDown(): void {
    this.calm = true;
    this.down = false;
    for (const shard of this.stream.shards) shard.skew = 0;
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

  /** ms since the start when a record was put. */
  putAt(record: StreamRecord): number {
    return this.puts.get(record)!;
  }

  /** @returns the shard it went to */
  put(sent: Sent, shard?: Shard): Shard {
    const record = this.stream.put(sent.partition_key, sent.data, this.now, shard);
    this.sent.set(record, sent);
    this.puts.set(record, this.time.now);
    this.time.changed();
    return this.stream.shards.find(({ id }) => id === record.position.shard_id)!;
  }

  /** The same for every reader of the stream. */
  partsOf(record: StreamRecord): readonly RecordPart[] {
    const known = this.results.get(record) ?? admitRecord(record, CONTRACTS, this.admitOptions);
    this.results.set(record, known);
    return known;
  }

  /** Of all records. */
  get parts(): RecordPart[] {
    return this.records.flatMap((record) => this.partsOf(record));
  }

  get records(): StreamRecord[] {
    return this.stream.shards.flatMap((shard) => shard.records);
  }

  /** The last view is the next version of the first one. */
  private deploy(views: readonly FeatureViewIR[]): Deployment[] {
    const next = this.profile.release ? views.at(-1)! : null;
    return views.slice(0, this.profile.views).map((one, i) => new Deployment(this, one, i === 0 ? next : null));
  }

  private remembering(view: FeatureViewIR): FeatureViewIR {
    return this.profile.forgetful ? { ...view, dedupe: { horizon_ms: 1, cap: 1 } } : view;
  }
}
