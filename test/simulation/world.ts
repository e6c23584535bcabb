/** What one seed runs on, and what is written down on the way. */
import fc from 'fast-check';
import { admitRecord, type RecordPart } from '../../core/admission/record-parts.ts';
import type { FeatureViewIR } from '../../core/ir/document.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { view } from '../core/generators.ts';
import { Deployment } from './deployment.ts';
import type { Sent } from './facts.ts';
import { Ground } from './ground.ts';
import { Kinesis, type Shard } from './kinesis.ts';
import { Partitions } from './partition-units.ts';
import type { Sandbox } from './sandbox.ts';

export class World extends Ground {
  readonly partitions: Partitions;
  readonly stream: Kinesis;
  readonly deployments: readonly Deployment[];
  /** What a producer meant by a record; absent for records that the processor put again. */
  readonly sent = new Map<StreamRecord, Sent>();
  /** Places of copies that came while a state could not be read. */
  readonly healedCopies = new Set<string>();
  /** Jobs that are writing states. */
  writing = 0;
  private readonly puts = new Map<StreamRecord, number>();
  private readonly results = new Map<StreamRecord, readonly RecordPart[]>();

  constructor(seed: number, sandbox: Sandbox) {
    super(seed, sandbox);
    this.partitions = new Partitions(this);
    const views = fc.sample(view, { seed, numRuns: this.profile.views + (this.profile.release ? 1 : 0) });
    this.stream = new Kinesis(this.profile.shards, (shard) => this.pollers(shard));
    this.deployments = this.deploy(views.map((one) => this.remembering(one)));
  }

  /** Told of every shard; set by whoever reads the stream. */
  pollers: (shard: Shard) => void = () => {};

  calmDown(): void {
    this.calm = true;
    this.down = false;
    for (const shard of this.stream.shards) shard.skew = 0;
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
    const known = this.results.get(record) ?? admitRecord(record, this.contracts, this.admitOptions);
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
